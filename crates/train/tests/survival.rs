//! Whatever happens while a file is written, the old one or the new one is there.
#![cfg(unix)]

mod folder;

use folder::Folder;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wane_autodiff::Rng;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_train::file;

const PATH: &str = "WANE_TEST_SAVES_TO";

/// The state of a run at one moment: every number is the moment's.
fn state(generation: u64) -> Vec<u64> {
    vec![generation; 30_000]
}

fn generation(path: &Path) -> u64 {
    let state: Vec<u64> = file::read(path, "survival").expect("the old file or the new one");
    assert!(state.len() == 30_000 && state.iter().all(|&value| value == state[0]), "neither the old file nor the new");
    state[0]
}

/// What the second process does: it saves until it is killed.
#[test]
fn saving_without_end() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let path = Path::new(&path);
    for next in generation(path) + 1.. {
        file::write(path, "survival", &state(next)).unwrap();
    }
}

#[test]
fn a_process_killed_while_saving_leaves_a_whole_file() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    file::write(&path, "survival", &state(0)).unwrap();
    let mut rng = Rng::seed_from_u64(0);
    let (mut last, mut half_written) = (0, 0);
    for _ in 0..200 {
        let mut saving = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "saving_without_end"])
            .env(PATH, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(rng.random_range(2_000..25_000)));
        saving.kill().unwrap();
        saving.wait().unwrap();
        let now = generation(&path);
        assert!(now >= last, "an older file came back");
        last = now;
        half_written += usize::from(folder.names().len() > 1);
    }
    assert!(last > 20, "only {last} files were written");
    assert!(half_written > 5, "only {half_written} kills came while a file was being written");
    // What was left behind is in nobody's way.
    file::write(&path, "survival", &state(last + 1)).unwrap();
    assert_eq!((folder.names(), generation(&path)), (vec!["run.wane".to_owned()], last + 1));
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    file::write(&path, "survival", &state(1)).unwrap();
    // What is written goes to a name beside the file, and from there to a device that is always full.
    std::os::unix::fs::symlink("/dev/full", folder.file(".run.wane.tmp")).unwrap();
    let message = file::write(&path, "survival", &state(2)).unwrap_err().to_string();
    assert!(message.contains("file is not written") && message.contains("os error 28"), "{message}");
    assert_eq!((folder.names(), generation(&path)), (vec!["run.wane".to_owned()], 1));
}

#[test]
fn a_place_that_is_no_file_is_refused_and_left_clean() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    file::write(&path, "survival", &state(1)).unwrap();
    for unwritable in [path.join("below a file"), folder.file("missing").join("run"), "/".into(), "..".into()] {
        let message = file::write(&unwritable, "survival", &state(2)).unwrap_err().to_string();
        assert!(message.contains("file is not written"), "{message}");
    }
    // Where a folder stands, the last step fails: the renaming.
    std::fs::create_dir(folder.file("folder")).unwrap();
    assert!(file::write(&folder.file("folder"), "survival", &state(2)).is_err());
    assert_eq!((folder.names(), generation(&path)), (vec!["folder".to_owned(), "run.wane".to_owned()], 1));
}
