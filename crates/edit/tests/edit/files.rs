//! Files of edits, statistics and ledgers: whole ones come back bit for bit; what is damaged or made to deceive is refused at
//! no cost, or is what it says.

use crate::common::{bits, network, uniform};
use crate::counting::peak;
use crate::folder::Folder;
use std::path::{Path, PathBuf};
use wane_autodiff::ndarray::{Array2, s};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Error, Params, Rng};
use wane_edit::{Edit, EditOptions, Editor, KeyStats, Ledger, Memories, Ridge, Site};
use wane_layers::Sequential;

/// Sentences about a file that is refused, and a reader's buffers.
const MESSAGES: usize = 1 << 15;
/// Where the checksum is right, lists are given this on the word of their lengths, four of them in one another at most.
const CLAIMS: usize = 4 << 20;
const HEADER: usize = 40;

/// Bytes with a header that is right about their length and checksum.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len() - HEADER;
    bytes[28..36].copy_from_slice(&(length as u64).to_le_bytes());
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&bytes[..36]);
    checksum.update(&bytes[HEADER..]);
    bytes[36..HEADER].copy_from_slice(&checksum.finalize().to_le_bytes());
    bytes
}

struct Subject {
    folder: Folder,
    model: Sequential<f32>,
    params: Params<f32>,
    x: Array2<f32>,
}

/// A kind of file: how it is read, and what is done with what is in it.
type Read = fn(&Subject, &Path, &mut Params<f32>) -> Result<(), Error>;

impl Subject {
    fn new() -> Self {
        let (model, params, x) = network(2, Activation::Tanh, 1);
        Self { folder: Folder::new(), model, params, x }
    }

    fn editor(&self) -> Editor<'_, f32> {
        let site = Site::new(&self.model, &self.params, 4).unwrap();
        let stats = KeyStats::of(&site, &self.params, self.x.view()).unwrap();
        Editor::new(site, &self.params, stats, EditOptions { bias: true, ..Default::default() }).unwrap()
    }

    fn memories(&self, edits: usize) -> Memories {
        let mut rng = Rng::seed_from_u64(edits as u64);
        Memories::new(uniform((edits, 6), &mut rng), uniform((edits, 2), &mut rng)).unwrap()
    }

    /// The bytes of each kind of file, and its reader.
    fn files(&self) -> [(&'static str, Vec<u8>, Read); 3] {
        let path = |name| self.folder.file(name);
        let editor = self.editor();
        editor.solve(&self.params, self.memories(2)).unwrap().save(path("edit")).unwrap();
        editor.stats().save(path("stats")).unwrap();
        let (mut params, mut ledger) = (self.params.clone(), editor.ledger(&self.params).unwrap());
        ledger.push(&mut params, self.memories(2)).unwrap();
        ledger.push(&mut params, self.memories(1)).unwrap();
        ledger.save(path("ledger")).unwrap();
        let bytes = |name| std::fs::read(path(name)).unwrap();
        [
            ("edit", bytes("edit"), |_, path, params| Edit::load(path)?.apply(params)),
            ("stats", bytes("stats"), |subject, path, params| {
                let stats = KeyStats::load(path)?;
                let site = Site::new(&subject.model, params, 4)?;
                let options = EditOptions { ridge: Ridge::Absolute(0.0), ..Default::default() };
                let editor = Editor::new(site, params, stats, options)?;
                editor.solve(params, subject.memories(2))?.apply(params)
            }),
            ("ledger", bytes("ledger"), |subject, path, params| {
                let mut ledger = Ledger::load(path, subject.editor(), params)?;
                ledger.clear(params)
            }),
        ]
    }

    fn attacked(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.file("attack");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Reads `bytes`: what is refused costs no more than `most` and leaves the parameters.
    fn read(&self, read: Read, bytes: &[u8], most: usize) -> Result<(), String> {
        let (path, mut params) = (self.attacked(bytes), self.params.clone());
        let (result, held) = peak(|| read(self, &path, &mut params));
        result.map_err(|error| {
            assert_eq!(bits(&params), bits(&self.params), "{error}");
            assert!(held <= most, "{error}: held {held} bytes of a file of {}", bytes.len());
            error.to_string().replace(&format!("{path:?}: "), "")
        })
    }
}

#[test]
fn edits_come_back_bit_for_bit() {
    let subject = Subject::new();
    let path = subject.folder.file("edit");
    let key = subject.memories(1);
    for options in [
        EditOptions::default(),
        EditOptions { bias: true, ..Default::default() },
        // Infinite leverage goes there and back too.
        EditOptions { ridge: Ridge::Absolute(0.0), ..Default::default() },
    ] {
        let site = Site::new(&subject.model, &subject.params, 4).unwrap();
        for rows in [1, 3, 50] {
            let stats = KeyStats::of(&site, &subject.params, subject.x.slice(s![..rows, ..])).unwrap();
            let editor = Editor::new(site.clone(), &subject.params, stats, options).unwrap();
            let edit = editor.solve(&subject.params, key.clone()).unwrap();
            edit.save(&path).unwrap();
            let loaded = Edit::load(&path).unwrap();
            let first = std::fs::read(&path).unwrap();
            loaded.save(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), first);
            assert_eq!((loaded.layer(), loaded.u(), loaded.v()), (edit.layer(), edit.u(), edit.v()));
            assert_eq!((loaded.shift(), loaded.memories()), (edit.shift(), edit.memories()));
            let [mut there, mut here] = [(); 2].map(|()| subject.params.clone());
            loaded.apply(&mut there).unwrap();
            edit.apply(&mut here).unwrap();
            assert!(bits(&there) == bits(&here) && bits(&here) != bits(&subject.params));
            let report = edit.report();
            assert_eq!(report.leverage[0].is_infinite(), report.ridge == 0.0 && rows < 6, "{report:?}");
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let subject = Subject::new();
    for (name, whole, read) in subject.files() {
        subject.read(read, &whole, 0).unwrap();
        for length in (0..whole.len()).step_by(3) {
            let message = subject.read(read, &whole[..length], MESSAGES + CLAIMS).expect_err(name);
            assert!(message.starts_with("file is ") || message.starts_with("payload is "), "{name}: {message}");
            if length >= HEADER {
                let cut = sealed(whole[..length].to_vec());
                let message = subject.read(read, &cut, MESSAGES + CLAIMS).expect_err(name);
                assert!(message.starts_with("payload is undecodable"), "{name}: {message}");
            }
        }
        let grown = sealed([&whole[..], b"\n"].concat());
        let message = subject.read(read, &grown, MESSAGES + CLAIMS).expect_err(name);
        assert!(message.starts_with("payload is longer than what it holds"), "{name}: {message}");
        // One kind is not another.
        for (other, bytes, _) in subject.files().iter().filter(|other| other.0 != name) {
            let message = subject.read(read, bytes, MESSAGES + CLAIMS).expect_err(other);
            assert!(message.starts_with("kind of file is "), "{message}");
        }
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let subject = Subject::new();
    for (name, whole, read) in subject.files() {
        let mut rng = Rng::seed_from_u64(0);
        for at in (0..whole.len()).step_by(2) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << rng.random_range(0..8);
            subject.read(read, &bytes, MESSAGES + CLAIMS).expect_err(name);
        }
    }
}

#[test]
fn a_flipped_bit_under_a_right_checksum_does_no_harm() {
    let subject = Subject::new();
    for (name, whole, read) in subject.files() {
        let (mut rng, mut taken) = (Rng::seed_from_u64(1), 0);
        for _ in 0..500 {
            let mut bytes = whole.clone();
            for _ in 0..rng.random_range(1..4) {
                bytes[rng.random_range(HEADER..whole.len())] ^= 1 << rng.random_range(0..8);
            }
            taken += usize::from(subject.read(read, &sealed(bytes), whole.len() + MESSAGES + CLAIMS).is_ok());
        }
        assert!((20..480).contains(&taken), "{name}: {taken} of them were taken");
    }
}

#[test]
fn a_number_anywhere_is_not_believed_though_the_checksum_is_right() {
    let subject = Subject::new();
    let numbers = [f64::NAN, -1e308, 1e308].map(f64::to_le_bytes);
    let claims = [0, 1 << 40, u64::MAX].map(u64::to_le_bytes);
    for (_, whole, read) in subject.files() {
        // Numbers begin anywhere: an odd step meets each as a whole and in parts.
        for at in (HEADER..whole.len() - 8).step_by(5) {
            for number in numbers.into_iter().chain(claims) {
                let mut bytes = whole.clone();
                bytes[at..at + 8].copy_from_slice(&number);
                let _ = subject.read(read, &sealed(bytes), whole.len() + MESSAGES + CLAIMS);
            }
        }
    }
}

/// A layer of 0 outputs, say, has as many numbers as one likes to call rows.
#[test]
fn shapes_that_do_not_fit_are_named() {
    let subject = Subject::new();
    let [edit, stats, _] = subject.files();
    let place = |bytes: &[u8], number: u64| {
        let number = number.to_le_bytes();
        (HEADER..bytes.len() - 8).find(|&at| bytes[at..at + 8] == number).unwrap()
    };
    // keys: 2 rows of 6.
    let rows = place(&edit.1, 2);
    for (number, expected) in
        [(0, "shape of the keys is (0, 6) of 12 numbers"), (3, "shape of the keys is (3, 6) of 12")]
    {
        let mut bytes = edit.1.clone();
        bytes[rows..rows + 8].copy_from_slice(&u64::to_le_bytes(number));
        let message = subject.read(edit.2, &sealed(bytes), edit.1.len() + MESSAGES).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    }
    let count = place(&stats.1, 50);
    for (number, expected) in [(0, "number of keys is 0; expected"), (1, "number of keys is 1; expected at least 2")] {
        let mut bytes = stats.1.clone();
        bytes[count..count + 8].copy_from_slice(&u64::to_le_bytes(number));
        let message = subject.read(stats.2, &sealed(bytes), stats.1.len() + MESSAGES).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    }
    let missing = Edit::load(subject.folder.file("missing")).unwrap_err().to_string();
    assert!(missing.contains("missing\": file is unreadable"), "{missing}");
}
