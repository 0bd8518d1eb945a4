//! A file that is not whole is refused, with the reason, whatever it claims; and it costs no memory.

mod counting;
mod folder;

use counting::peak;
use folder::Folder;
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Rng};
use wane_train::file;

/// Of all the shapes that a file of wane has: text, lists, lists of lists, what may be missing.
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

/// The bytes of a whole file.
fn whole(path: &Path) -> Vec<u8> {
    file::write(path, "test", &contents()).unwrap();
    std::fs::read(path).unwrap()
}

fn read(path: &Path, bytes: &[u8]) -> Result<Contents, Error> {
    std::fs::write(path, bytes).unwrap();
    file::read(path, "test")
}

/// The header and the payload, with a checksum that is right.
fn sealed(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&header[..36]);
    checksum.update(payload);
    [&header[..36], &checksum.finalize().to_le_bytes(), payload].concat()
}

/// The header of a payload that is `len` bytes long, and the payload, with a checksum that is right.
fn sealed_anew(payload: &[u8], whole: &[u8]) -> Vec<u8> {
    let header = [&whole[..28], &(payload.len() as u64).to_le_bytes()].concat();
    sealed(&header, payload)
}

/// What is refused holds no more memory than the file is long, and this: serde gives a list at most 1 MiB on the word
/// of its length, and here one list may stand in another; a reader has a buffer, a message a few texts.
const A_LITTLE: usize = (2 << 20) + (1 << 15);

#[track_caller]
fn refused(path: &Path, bytes: &[u8]) -> String {
    std::fs::write(path, bytes).unwrap();
    let (result, peak) = peak(|| file::read::<Contents>(path, "test"));
    let message = result.expect_err("refused").to_string();
    assert!(peak <= bytes.len() + A_LITTLE, "{message}: held {peak} bytes");
    message.replace(&format!("{path:?}: "), "")
}

#[test]
fn a_file_goes_there_and_back() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    assert_eq!(read(&path, &whole(&path)).unwrap(), contents());
    assert_eq!(folder.names(), ["a.wane"]);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let whole = whole(&path);
    for len in 0..whole.len() {
        let message = refused(&path, &whole[..len]);
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
    }
    let grown = [&whole[..], b"\n"].concat();
    assert!(refused(&path, &grown).contains("cut off or has grown"));
}

#[test]
fn a_flipped_bit_is_found() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let whole = whole(&path);
    let mut rng = Rng::seed_from_u64(0);
    for _ in 0..10_000 {
        let mut bytes = whole.clone();
        let at = rng.random_range(0..whole.len());
        bytes[at] ^= 1 << rng.random_range(0..8);
        let message = refused(&path, &bytes);
        let field = match at {
            0..8 => "file is",
            8..12 => "format version is",
            12..28 => "kind of file is",
            28..36 => "payload is",
            _ => "checksum is",
        };
        assert!(message.starts_with(field), "byte {at}: {message}");
    }
}

#[test]
fn other_files_are_told_apart() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let whole = whole(&path);
    assert_eq!(refused(&path, &[b'x'; 50]), "file is \"xxxxxxxx\"…; expected a wane file");
    let unix = whole.iter().copied().filter(|&byte| byte != b'\r').chain([0]).collect::<Vec<_>>();
    assert!(refused(&path, &unix).starts_with("file is"));

    let mut newer = whole.clone();
    newer[8] = 2;
    let newer = sealed(&newer, &whole[40..]);
    assert_eq!(refused(&path, &newer), "format version is 2; expected 1; a newer wane may read it");

    file::write(&path, "other", &contents()).unwrap();
    let other = std::fs::read(&path).unwrap();
    assert_eq!(refused(&path, &other), "kind of file is \"other\"; expected \"test\"");

    let missing = file::read::<Contents>(&folder.file("missing"), "test").unwrap_err().to_string();
    assert!(missing.contains("missing\": file is unreadable"), "{missing}");
    let not_a_file = file::read::<Contents>(folder.path(), "test").unwrap_err().to_string();
    assert!(not_a_file.contains("file is"), "{not_a_file}");
}

#[test]
fn a_claim_is_not_believed_though_the_checksum_is_right() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let whole = whole(&path);
    let payload = &whole[40..];
    for claim in [payload.len() as u64 + 1, 1 << 30, 1 << 40, u64::MAX] {
        // The length of the payload as the header has it.
        let header = [&whole[..28], &claim.to_le_bytes()].concat();
        assert!(refused(&path, &sealed(&header, payload)).starts_with("payload is"));
        // The lengths of the name, of `values`, of `buffers`, of the first buffer's name and of the first buffer.
        for at in [0, 20, 52, 60, 75] {
            let mut payload = payload.to_vec();
            payload[at..at + 8].copy_from_slice(&claim.to_le_bytes());
            assert!(refused(&path, &sealed_anew(&payload, &whole)).starts_with("payload is undecodable"), "{at}");
        }
    }
    let longer = [payload, b"more"].concat();
    let expected = "payload is longer than what it holds; expected nothing behind the last value";
    assert_eq!(refused(&path, &sealed_anew(&longer, &whole)), expected);
}

#[test]
fn payloads_of_noise_do_no_harm() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let whole = whole(&path);
    let mut rng = Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let mut payload = whole[40..].to_vec();
        for _ in 0..rng.random_range(1..8) {
            let at = rng.random_range(0..payload.len());
            payload[at] = rng.random();
        }
        payload.truncate(rng.random_range(0..=2 * payload.len()));
        let bytes = sealed_anew(&payload, &whole);
        std::fs::write(&path, &bytes).unwrap();
        let (_, held) = peak(|| file::read::<Contents>(&path, "test"));
        assert!(held <= bytes.len() + A_LITTLE, "held {held} bytes");
    }
}

#[test]
fn a_large_file_holds_a_small_multiple_of_itself() {
    let folder = Folder::new();
    let path = folder.file("a.wane");
    let large = Contents { values: vec![0.5; 3 << 20], ..contents() };
    file::write(&path, "test", &large).unwrap();
    let length = std::fs::metadata(&path).unwrap().len() as usize;
    let (read, held) = peak(|| file::read::<Contents>(&path, "test").unwrap());
    assert_eq!(read, large);
    // A list grows by doubling, and is in both places while it moves.
    assert!(held <= 3 * length + A_LITTLE, "held {held} of {length} bytes");
}
