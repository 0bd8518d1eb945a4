//! A checkpoint that is not whole is refused, with the reason, whatever it claims; it costs no memory, and the trainer is
//! as it was.

mod counting;
mod folder;
mod run;

use counting::peak;
use folder::Folder;
use run::{Run, Subject, in_the_middle, sealed};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Rng};
use wane_data::Dataset;
use wane_optim::{AdamWOptions, OptimizerSnapshot};
use wane_train::{History, file};

/// A path and a few sentences: what refusing a damaged file costs, however long the file is.
const MESSAGES: usize = 1 << 13;
/// Where the checksum is right: what lists are given on the word of their lengths, three of them in one another, and a
/// reader's buffer.
const CLAIMS: usize = (3 << 20) + (1 << 16);

/// A trainer in the middle of another run than the checkpoint's.
struct Victim<'a> {
    folder: Folder,
    trainer: Subject<'a>,
    data: &'a Dataset<f64>,
    rng: Rng,
    home: PathBuf,
    before: (Vec<u64>, OptimizerSnapshot<f64, AdamWOptions>, History, Rng),
}

/// What can be seen of a trainer without a file.
fn seen(trainer: &Subject<'_>, rng: &Rng) -> (Vec<u64>, OptimizerSnapshot<f64, AdamWOptions>, History, Rng) {
    let weights = trainer.params().as_slice().iter().map(|weight| weight.to_bits()).collect();
    let remembered = trainer.optimizer().snapshot(trainer.params()).unwrap();
    (weights, remembered, trainer.history().clone(), rng.clone())
}

/// Runs `work` on a victim and the bytes of a checkpoint with so many hidden units, which would fit it.
fn attack(hidden: usize, work: impl FnOnce(&mut Victim<'_>, &[u8])) {
    let (folder, mut run) = (Folder::new(), Run::new(hidden));
    let whole = in_the_middle(&folder.file("whole"), hidden);
    let (mut trainer, data, rng) = run.trainer(2, None);
    trainer.fit(data, rng).unwrap();
    let (home, rng) = (folder.file("home"), rng.clone());
    trainer.save(&home, &rng).unwrap();
    drop(trainer);
    // Goes on to the end of the checkpoint's epoch, and one more.
    let (mut trainer, data, _) = run.trainer(5, None);
    let mut again = rng.clone();
    trainer.resume(&home, &mut again).unwrap();
    let before = seen(&trainer, &rng);
    let mut victim = Victim { folder, trainer, data, rng, home, before };
    work(&mut victim, &whole);
    // A file holds what cannot be seen without one.
    let end = victim.folder.file("end");
    victim.trainer.save(&end, &victim.rng).unwrap();
    assert_eq!(std::fs::read(end).unwrap(), std::fs::read(&victim.home).unwrap());
}

impl Victim<'_> {
    /// Resumes from `bytes`, and checks that a refusal costs no more than `most` bytes and changes nothing.
    fn resume(&mut self, bytes: &[u8], most: usize) -> Result<(), String> {
        let path = self.folder.file("attack");
        std::fs::write(&path, bytes).unwrap();
        let (result, held) = peak(|| self.trainer.resume(&path, &mut self.rng));
        result.map_err(|error| {
            assert!(held <= most, "{error}: held {held} bytes of a file of {}", bytes.len());
            assert_eq!(seen(&self.trainer, &self.rng), self.before);
            error.to_string().replace(&format!("{path:?}: "), "")
        })
    }

    #[track_caller]
    fn refuses(&mut self, bytes: &[u8]) -> String {
        self.resume(bytes, MESSAGES).expect_err("refused")
    }

    /// Resumes from `bytes` whose checksum is right. What is taken can be gone on with; then all is as before.
    fn survives(&mut self, bytes: &[u8]) -> bool {
        let is_taken = self.resume(bytes, bytes.len() + CLAIMS).is_ok();
        if is_taken {
            let _ = self.trainer.fit(self.data, &mut self.rng);
            let _ = (self.trainer.history().to_csv(), self.trainer.extra::<(String, u8)>());
            self.trainer.resume(&self.home, &mut self.rng).unwrap();
            assert_eq!(seen(&self.trainer, &self.rng), self.before);
        }
        is_taken
    }
}

#[test]
fn a_checkpoint_cut_off_anywhere_is_refused() {
    attack(3, |victim, whole| {
        for len in 0..whole.len() {
            let message = victim.refuses(&whole[..len]);
            let expected = match len {
                0 => "file is empty; expected a wane file, of 40 bytes at least".to_owned(),
                1..40 => format!("file is {len} bytes long; expected a wane file, of 40 bytes at least"),
                _ => format!(
                    "payload is {} bytes long; expected {} bytes: the file is cut off or has grown",
                    len - 40,
                    whole.len() - 40
                ),
            };
            assert_eq!(message, expected);
            // The same with a header that knows of it.
            if len >= 40 {
                let message = victim.resume(&sealed(whole[..len].to_vec()), whole.len() + CLAIMS).unwrap_err();
                assert!(message.starts_with("payload is undecodable"), "{message}");
            }
        }
        let grown = [whole, b"\n"].concat();
        assert!(victim.refuses(&grown).contains("cut off or has grown"));
        let message = victim.resume(&sealed(grown), whole.len() + CLAIMS).unwrap_err();
        assert_eq!(message, "payload is longer than what it holds; expected nothing behind the last value");
    });
}

#[test]
fn a_flipped_bit_is_found() {
    attack(3, |victim, whole| {
        let mut rng = Rng::seed_from_u64(0);
        for _ in 0..10_000 {
            let mut bytes = whole.to_vec();
            let at = rng.random_range(0..whole.len());
            bytes[at] ^= 1 << rng.random_range(0..8);
            let message = victim.refuses(&bytes);
            let field = match at {
                0..8 => "file is",
                8..12 => "format version is",
                12..28 => "kind of file is",
                28..36 => "payload is",
                _ => "checksum is",
            };
            assert!(message.starts_with(field), "byte {at}: {message}");
        }
    });
}

#[test]
fn a_flipped_bit_under_a_right_checksum_does_no_harm() {
    attack(3, |victim, whole| {
        let (mut rng, mut taken) = (Rng::seed_from_u64(1), 0);
        for _ in 0..10_000 {
            let mut bytes = whole.to_vec();
            for _ in 0..rng.random_range(1..4) {
                bytes[rng.random_range(40..whole.len())] ^= 1 << rng.random_range(0..8);
            }
            taken += usize::from(victim.survives(&sealed(bytes)));
        }
        assert!((1_000..9_000).contains(&taken), "{taken} of them were taken");
    });
}

#[test]
fn a_claim_anywhere_is_not_believed_though_the_checksum_is_right() {
    attack(3, |victim, whole| {
        for at in 40..whole.len() - 8 {
            for claim in [0, 1 << 20, 1 << 40, u64::MAX] {
                let mut bytes = whole.to_vec();
                bytes[at..at + 8].copy_from_slice(&claim.to_le_bytes());
                victim.survives(&sealed(bytes));
            }
        }
        for claim in [whole.len() as u64 - 39, 1 << 40, u64::MAX] {
            let mut bytes = whole.to_vec();
            bytes[28..36].copy_from_slice(&claim.to_le_bytes());
            assert!(victim.refuses(&bytes).starts_with("payload is"));
        }
    });
}

#[test]
fn a_large_checkpoint_costs_what_it_holds_and_nothing_where_it_is_damaged() {
    attack(20_000, |victim, whole| {
        assert!(whole.len() > 3 << 20);
        let mut bytes = whole.to_vec();
        bytes[whole.len() - 1] ^= 1;
        assert!(victim.refuses(&bytes).starts_with("checksum is"));
        assert!(victim.refuses(&whole[..whole.len() - 1]).starts_with("payload is"));
        // A list grows by doubling, and is in both places while it moves; the optimizer has its state twice meanwhile.
        let (length, path) = (whole.len(), victim.folder.file("attack"));
        std::fs::write(&path, whole).unwrap();
        let (_, held) = peak(|| victim.trainer.resume(&path, &mut victim.rng).unwrap());
        assert!(held <= 3 * length, "held {held} of {length} bytes");
        let (_, held) = peak(|| victim.trainer.save(&path, &victim.rng).unwrap());
        assert!(held <= length, "held {held} of {length} bytes");
        victim.trainer.resume(&victim.home, &mut victim.rng).unwrap();
    });
}

#[test]
fn other_files_are_told_apart() {
    attack(3, |victim, whole| {
        assert_eq!(victim.refuses(&[b'x'; 50]), "file is \"xxxxxxxx\"…; expected a wane file");
        let unix = whole.iter().copied().filter(|&byte| byte != b'\r').chain([0]).collect::<Vec<_>>();
        assert!(victim.refuses(&unix).starts_with("file is"));

        let mut newer = whole.to_vec();
        newer[8] = 2;
        assert_eq!(victim.refuses(&sealed(newer)), "format version is 2; expected 1; a newer wane may read it");

        let path = victim.folder.file("other");
        file::write(&path, "other", &1_u8).unwrap();
        let other = std::fs::read(&path).unwrap();
        assert_eq!(victim.refuses(&other), "kind of file is \"other\"; expected \"checkpoint\"");
        let missing = victim.trainer.resume(victim.folder.file("missing"), &mut victim.rng).unwrap_err().to_string();
        assert!(missing.contains("missing\": file is unreadable"), "{missing}");
        let not_a_file = victim.trainer.resume(victim.folder.path(), &mut victim.rng).unwrap_err().to_string();
        assert!(not_a_file.contains("file is"), "{not_a_file}");
    });
}

/// Of all the shapes that other files of wane have: text, lists, lists of lists, what may be missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Contents {
    name: String,
    time: u64,
    values: Vec<f64>,
    buffers: Vec<(String, Vec<f32>)>,
    best: Option<f64>,
}

fn contents() -> Contents {
    let buffers = vec![("exp_avg".to_owned(), vec![0.25; 7]), ("exp_avg_sq".to_owned(), vec![1.5; 3])];
    Contents { name: "Adam".to_owned(), time: 12, values: vec![1.0, -2.5, f64::MAX], buffers, best: Some(0.5) }
}

#[test]
fn a_value_of_ones_own_goes_there_and_back() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    file::write(&path, "test", &contents()).unwrap();
    assert_eq!(file::read::<Contents>(&path, "test").unwrap(), contents());
    assert_eq!(folder.names(), ["a.wane"]);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(sealed(whole.clone()), whole);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(file::read::<Contents>(&path, "test").is_err(), "byte {at}");
    }
}

#[test]
fn a_kind_that_does_not_fit_is_named() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let longest = "sixteen bytes, ü";
    assert_eq!(longest.len(), 17);
    let expected = "kind of file is \"sixteen bytes, ü\"; expected 16 bytes at most";
    assert_eq!(file::write(&path, longest, &1_u8).unwrap_err().to_string(), expected);
    assert!(folder.names().is_empty());
    file::write(&path, &longest[1..], &1_u8).unwrap();
    assert_eq!(file::read::<u8>(&path, &longest[1..]).unwrap(), 1);
    assert_eq!(file::read::<u8>(&path, longest).unwrap_err().to_string(), expected);
}

#[test]
fn what_cannot_be_written_leaves_the_old_file() {
    struct Unwritable;
    impl Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no number yet"))
        }
    }
    let folder = Folder::new();
    let path = folder.file("a.wane");
    file::write(&path, "test", &1_u8).unwrap();
    let error: Error = file::write(&path, "test", &(2_u8, Unwritable)).unwrap_err();
    assert!(error.to_string().contains("what is to be written is unwritable (no number yet)"), "{error}");
    assert_eq!((folder.names(), file::read::<u8>(&path, "test").unwrap()), (vec!["a.wane".to_owned()], 1));
}
