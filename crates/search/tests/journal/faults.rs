//! Journals that were cut off, left locked, or never were journals.

use crate::{created, folder, state, study, trial};
use proptest::prelude::*;
use serde_json::json;
use std::fs::{self, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use wane_search::storage::{JournalOptions, JournalStorage, LockKind, Operation, Storage};
use wane_search::{AttrKind, TrialState};

/// A journal of a study with a trial, whose last two lines are `last`.
fn journal(path: &Path, last: [Operation; 2]) -> Vec<u8> {
    let storage = JournalStorage::open(path).unwrap();
    created(&storage, study("cut"));
    created(&storage, trial());
    for operation in last {
        storage.apply(operation).unwrap();
    }
    fs::read(path).unwrap()
}

fn last_two() -> [Operation; 2] {
    let value = json!({ "text": "é\u{2028}\"{\"op_code\":", "list": [1.5e-9, null, true] });
    let attr = Operation::SetTrialAttr { trial: 0, kind: AttrKind::User, name: "ü".into(), value };
    [attr, state(0, TrialState::Complete, Some(0.1))]
}

fn starts_of_lines(text: &[u8]) -> Vec<usize> {
    (0..text.len()).filter(|&at| at == 0 || text[at - 1] == b'\n').collect()
}

/// Cut off at any byte, the journal holds what was whole, can be written to, and then be read by everyone: each of its
/// lines is an object of JSON.
#[test]
fn a_journal_that_was_cut_off_at_any_byte_goes_on() {
    let path = folder("cut").join("journal");
    let whole = journal(&path, last_two());
    let lines = starts_of_lines(&whole);
    let (first, last) = (lines[lines.len() - 2], lines[lines.len() - 1]);
    assert!(whole.len() - first > 200);
    for size in first..=whole.len() {
        fs::write(&path, &whole[..size]).unwrap();
        let storage = JournalStorage::open(&path).unwrap();
        // Until somebody writes, nobody counts a line without an end.
        assert_eq!(storage.trial(0).unwrap().user_attrs.len(), usize::from(size >= last), "{size}");
        assert_eq!(created(&storage, trial()), 1, "{size}");

        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object());
        }
        // A line that lacked but its end is kept, and says what it said.
        let reopened = JournalStorage::open(&path).unwrap();
        let is_first_whole = size + 1 >= last;
        let is_second_whole = size + 1 >= whole.len();
        assert_eq!(reopened.trial(0).unwrap().user_attrs.len(), usize::from(is_first_whole), "{size}");
        assert_eq!(reopened.trial(0).unwrap().state == TrialState::Complete, is_second_whole, "{size}");
        assert_eq!(reopened.trials(0).unwrap().len(), 2);
    }
}

/// Optuna appends to a torn line: the line cannot be decoded, but its end is an operation.
#[test]
fn what_another_program_appended_to_a_torn_line_is_kept() {
    let path = folder("appended").join("journal");
    let whole = journal(&path, last_two());
    let lines = starts_of_lines(&whole);
    let (third, last) = (lines[lines.len() - 2], lines[lines.len() - 1]);
    for torn in 1..last - third - 1 {
        let text = [&whole[..third], &whole[third..third + torn], &whole[last..]].concat();
        fs::write(&path, text).unwrap();
        let storage = JournalStorage::open(&path).unwrap();
        assert_eq!(created(&storage, trial()), 1);
        let reopened = JournalStorage::open(&path).unwrap();
        assert_eq!(reopened.trial(0).unwrap().state, TrialState::Complete, "{torn}");
        assert!(reopened.trial(0).unwrap().user_attrs.is_empty());
    }
}

#[test]
fn a_torn_line_in_the_middle_is_named() {
    let path = folder("middle").join("journal");
    let whole = journal(&path, last_two());
    let third = starts_of_lines(&whole)[2];
    fs::write(&path, [&whole[..third + 20], b"\n".as_slice(), &whole[third..]].concat()).unwrap();
    let error = JournalStorage::open(&path).unwrap_err().to_string();
    assert!(error.contains("line 3 is \"{\\\"op_code\\\":8,\\\"worker\" (EOF"), "{error}");
}

/// Not one of these is taken for a journal, and not one is changed.
#[test]
fn what_is_not_a_journal_is_refused_and_left_as_it_is() {
    let folder = folder("other");
    let head = "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[1]}\n";
    let op = |fields: &str| format!("{head}{{\"worker_id\":\"w\",{fields}}}\n").into_bytes();
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("binary", vec![0x89, b'P', b'N', b'G', 0, 255, 254, 0], "line 1 is"),
        ("html", b"<!DOCTYPE html>\n<html></html>\n".to_vec(), "line 1 is \"<!DOCTYPE html>\""),
        ("csv", b"x,y\n1,2\n".to_vec(), "line 1 is \"x,y\" (expected value at line 1 column 1); expected an operation"),
        ("one-line", b"x,y".to_vec(), "line 1 is \"x,y\"; expected an operation"),
        ("json", b"{\"a\":1}".to_vec(), "line 1 is \"{\\\"a\\\":1}\""),
        ("json-lines", b"{\"a\":1}\n{\"a\":2}\n".to_vec(), "line 1: worker_id is missing"),
        ("array", b"[1,2]\n[3]\n".to_vec(), "line 1 is \"[1,2]\""),
        ("blank", b"\n\n".to_vec(), "line 1 is \"\""),
        ("utf-16", "{\"op_code\"".encode_utf16().flat_map(u16::to_le_bytes).collect(), "line 1 is"),
        ("code", op("\"op_code\":11"), "line 2: op_code is 11; expected 0 to 10"),
        ("code-text", op("\"op_code\":\"4\""), "line 2: op_code is \"\\\"4\\\"\"; expected an integer"),
        ("worker", format!("{head}{{\"op_code\":4}}\n").into_bytes(), "line 2: worker_id is missing"),
        ("start", op("\"op_code\":4,\"study_id\":0"), "line 2: datetime_start is missing"),
        ("time", op("\"op_code\":4,\"study_id\":0,\"datetime_start\":\"noon\""), "datetime_start is \"noon\""),
        ("directions", op("\"op_code\":0,\"study_name\":\"t\",\"directions\":[3]"), "directions is \"[3]\""),
        (
            "attrs",
            op("\"op_code\":2,\"study_id\":0,\"user_attr\":{}"),
            "user_attr is \"{}\"; expected an object with one",
        ),
        ("id", op("\"op_code\":4,\"study_id\":-1,\"datetime_start\":null"), "study_id is -1; expected 0 or above"),
        ("deep", op(&format!("\"a\":{}", "[".repeat(100_000))), ""),
    ];
    for (name, bytes, message) in cases {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        match JournalStorage::open(&path) {
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains(message) && error.starts_with("journal \"/"), "{name}: {error}");
            }
            // What can't be decoded and stands last is taken for torn.
            Ok(_) => assert_eq!(*name, "deep"),
        }
        assert!(fs::read(&path).unwrap() == *bytes, "{name}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), cases.len(), "a lock or a temporary file was left");
}

#[test]
fn bare_words_stand_where_a_number_can_and_nowhere_else() {
    let path = folder("words").join("journal");
    let study = "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[1]}\n";
    let open = |value: &str| {
        let attr = format!("{{\"op_code\":2,\"worker_id\":\"w\",\"study_id\":0,\"user_attr\":{{\"a\":{value}}}}}\n");
        fs::write(&path, format!("{study}{attr}{study}")).unwrap();
        JournalStorage::open(&path).map(|storage| storage.studies().unwrap()[0].user_attrs["a"].clone())
    };
    for (given, read) in [
        ("NaN", json!("NaN")),
        ("[ -Infinity ,{\"b\":Infinity }]", json!(["-Infinity", { "b": "Infinity" }])),
        ("\"a NaN, [Infinity] \\\" NaN,\"", json!("a NaN, [Infinity] \" NaN,")),
    ] {
        assert_eq!(open(given).unwrap(), read);
    }
    for given in [
        "nan",
        "-NaN",
        "+Infinity",
        "Infinity1",
        "1NaN",
        "{NaN:1}",
        "NaNNaN",
        "Inf",
        "--Infinity",
        "'NaN'",
        "- Infinity",
    ] {
        assert!(open(given).unwrap_err().to_string().contains("line 2 is"), "{given}");
    }
}

#[test]
fn a_file_that_has_become_shorter_is_refused() {
    let path = folder("shorter").join("journal");
    let whole = journal(&path, last_two());
    let storage = JournalStorage::open(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = storage.studies().unwrap_err().to_string();
    assert!(error.contains(&format!("length is {} bytes; expected {} bytes", whole.len() / 2, whole.len())), "{error}");
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let folder = folder("place");
    let missing = JournalStorage::open(folder.join("missing/journal")).unwrap_err().to_string();
    assert!(missing.contains("missing/journal") && missing.contains("file is not created"), "{missing}");
    let directory = JournalStorage::open(&folder).unwrap_err().to_string();
    assert!(directory.contains("file is unreadable"), "{directory}");
    let options = JournalOptions { lock_grace: Duration::ZERO, ..Default::default() };
    let error = JournalStorage::open_with(folder.join("journal"), options).unwrap_err().to_string();
    assert_eq!(error, "lock_grace is 0; expected a time above 0");
}

/// Reading needs no lock; writing says which file could not be created.
#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only_can_be_read_from() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("read-only");
    let path = folder.join("journal");
    journal(&path, last_two());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let may_write_anyway = fs::write(folder.join("other"), "").is_ok();
    let storage = JournalStorage::open(&path).unwrap();
    assert_eq!(storage.trials(0).unwrap().len(), 1);
    let applied = storage.apply(trial());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    // Root may do everything.
    if !may_write_anyway {
        let error = applied.unwrap_err().to_string();
        assert!(error.contains("journal.lock\" is not created") && error.contains("can be written to"), "{error}");
    }
}

/// A lock whose holder was killed.
fn left_behind(path: &Path, kind: LockKind) -> PathBuf {
    let lock = path.with_file_name("journal.lock");
    match kind {
        #[cfg(unix)]
        LockKind::Symlink => std::os::unix::fs::symlink(path, &lock).unwrap(),
        _ => drop(fs::File::create(&lock).unwrap()),
    }
    lock
}

#[test]
fn a_lock_that_was_left_behind_is_broken_after_its_grace() {
    let folder = folder("stale");
    let path = folder.join("journal");
    let whole = journal(&path, last_two());
    let grace = Duration::from_millis(300);
    for kind in [LockKind::Symlink, LockKind::Create] {
        for held in [LockKind::Symlink, LockKind::Create] {
            left_behind(&path, held);
            let options = JournalOptions { lock: kind, lock_grace: grace, ..Default::default() };
            let storage = JournalStorage::open_with(&path, options).unwrap();
            let began = Instant::now();
            storage.apply(study(&format!("{kind:?} {held:?}"))).unwrap();
            assert!(began.elapsed() >= grace);
            let again = Instant::now();
            storage.apply(study(&format!("{kind:?} {held:?} again"))).unwrap();
            assert!(again.elapsed() < grace);
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a lock was left");
        }
    }
    assert!(fs::read(&path).unwrap().starts_with(&whole));
}

/// While the journal changes, the holder of the lock is taken for alive.
#[test]
fn a_lock_under_which_the_journal_changes_is_not_broken() {
    let path = folder("alive").join("journal");
    journal(&path, last_two());
    let lock = left_behind(&path, LockKind::default());
    let options = JournalOptions { lock_grace: Duration::from_millis(800), ..Default::default() };
    let storage = JournalStorage::open_with(&path, options).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| storage.apply(study("late")).map(|_| Instant::now()).unwrap());
        for second in 0..8 {
            std::thread::sleep(Duration::from_millis(200));
            let time = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second));
            fs::File::options().write(true).open(&path).unwrap().set_times(time).unwrap();
        }
        let released = Instant::now();
        fs::remove_file(lock).unwrap();
        assert!(waiting.join().unwrap() >= released);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Bytes of a journal that something has changed are read, or refused by an error.
    #[test]
    fn no_change_of_a_journal_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6)) {
        let path = folder("changed").join("journal");
        let vendored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/random.journal");
        let mut text = fs::read(vendored).unwrap();
        text.truncate(8000);
        for (at, byte, kind) in changes {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => drop(text.remove(at)),
                2 => text.insert(at, byte),
                _ => text[at] = b"0123456789[]{},:\"-"[usize::from(byte) % 18],
            }
        }
        fs::write(&path, &text).unwrap();
        if JournalStorage::open(&path).is_ok_and(|storage| storage.apply(study("another")).is_ok()) {
            JournalStorage::open(&path).unwrap();
        }
    }
}
