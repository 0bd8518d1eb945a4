//! Throws damaged files at everything that reads one: `cargo run --release --example fuzz -- SECONDS [SEED]`.
//!
//! Whole files are made in memory and damaged with some knowledge of them: lengths and checksums are often put right
//! again, so that what is behind them is reached. A reader may take a file or refuse it; it may not panic, nor hold more
//! memory than a small multiple of the file.

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;

use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wane::ndarray::array;
use wane::prelude::*;
use wane::rand::RngExt;
use wane::train::{ModelCard, OtherPrecision, file};

/// What a list may be given on the word of its length alone, three of them in one another, and some messages.
const FLOOR: usize = (3 << 20) + (1 << 16);
/// The most memory for one byte of a file.
const LARGEST_RATIO: f64 = 64.0;

/// A reader under test: whole files for it, and how they are put right again after damage.
struct Target {
    name: &'static str,
    corpus: Vec<Vec<u8>>,
    seal: fn(&mut [u8]),
    read: Box<Read>,
}

type Read = dyn Fn(&Path) -> Result<(), Error>;

#[derive(Serialize, Deserialize)]
struct Contents {
    name: String,
    values: Vec<f64>,
    lists: Vec<(String, Vec<Vec<f32>>)>,
    best: Option<f64>,
}

fn main() -> Result<ExitCode, Error> {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let seconds = arguments.first().copied().unwrap_or(2);
    let mut rng = Rng::seed_from_u64(arguments.get(1).copied().unwrap_or(0));
    let path = std::env::temp_dir().join(format!("wane-fuzz-{}", std::process::id()));
    let targets = targets(&path)?;
    std::panic::set_hook(Box::new(|_| {}));
    println!(
        "{:<12} {:>9} {:>9} {:>7} {:>15} {:>14}",
        "reader", "accepted", "refused", "panics", "bytes at most", "for a byte"
    );
    let mut findings = 0;
    for target in &targets {
        let time = Duration::from_secs_f64(seconds as f64 / targets.len() as f64);
        findings += fuzz(target, &path, time, &mut rng);
    }
    let _ = std::fs::remove_file(&path);
    println!("{findings} findings");
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The number of files that did harm; each is kept.
fn fuzz(target: &Target, path: &Path, time: Duration, rng: &mut Rng) -> usize {
    let (mut accepted, mut refused, mut panics, mut findings) = (0, 0, 0, 0);
    let (mut most, mut ratio) = (0, 0.0_f64);
    let begin = Instant::now();
    while begin.elapsed() < time {
        let mut bytes = target.corpus[rng.random_range(0..target.corpus.len())].clone();
        for _ in 0..rng.random_range(1..6) {
            damage(&mut bytes, rng);
        }
        if rng.random_bool(0.8) {
            (target.seal)(&mut bytes);
        }
        // Some file systems wait for the disk where a file is cut to nothing and written anew.
        let _ = std::fs::remove_file(path);
        std::fs::write(path, &bytes).expect("a folder for temporary files");
        let (result, held) = counting::peak(|| catch_unwind(AssertUnwindSafe(|| (target.read)(path))));
        let own = held.saturating_sub(FLOOR) as f64 / bytes.len().max(1) as f64;
        (most, ratio) = (most.max(held), ratio.max(own));
        match &result {
            Ok(Ok(())) => accepted += 1,
            Ok(Err(_)) => refused += 1,
            Err(_) => panics += 1,
        }
        if result.is_err() || own > LARGEST_RATIO {
            let kept: PathBuf = std::env::temp_dir().join(format!("wane-finding-{}-{findings}", target.name));
            std::fs::write(&kept, &bytes).expect("a folder for temporary files");
            eprintln!("{}: {} ({held} bytes held)", target.name, kept.display());
            findings += 1;
        }
    }
    println!("{:<12} {accepted:>9} {refused:>9} {panics:>7} {most:>15} {ratio:>14.1}", target.name);
    findings
}

/// One change: of bits, bytes, lengths, numbers in text, or of the order of parts.
fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    const LENGTHS: [u64; 8] = [0, 1, 255, 1 << 16, 1 << 31, 1 << 40, 1 << 61, u64::MAX];
    const WORDS: [&str; 20] = [
        "0",
        "-1",
        "1e999",
        "NaN",
        "inf",
        "18446744073709551615",
        "9223372036854775808",
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r\n",
        "[",
        "]",
        "{\"a\":",
        "}",
        "F16",
        "I64",
        "\u{feff}",
        "null",
    ];
    if bytes.is_empty() {
        return bytes.push(rng.random());
    }
    let at = rng.random_range(0..bytes.len());
    let end = (at + rng.random_range(1..40)).min(bytes.len());
    match rng.random_range(0..9) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = rng.random(),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let part = bytes[at..end].to_vec();
            let to = rng.random_range(0..=bytes.len());
            drop(bytes.splice(to..to, part));
        }
        5 => {
            let length = LENGTHS[rng.random_range(0..LENGTHS.len())].to_le_bytes();
            let len = 8.min(bytes.len() - at);
            bytes[at..at + len].copy_from_slice(&length[..len]);
        }
        6 => {
            let word = WORDS[rng.random_range(0..WORDS.len())].repeat(if rng.random_bool(0.05) { 500 } else { 1 });
            drop(bytes.splice(at..at, word.bytes()));
        }
        7 => {
            // A number in text becomes another.
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let Some(start) = bytes[at..].iter().position(is_digit).map(|found| at + found) else { return };
            let stop =
                bytes[start..].iter().position(|byte| !is_digit(byte)).map_or(bytes.len(), |found| start + found);
            let word = WORDS[rng.random_range(0..7)];
            drop(bytes.splice(start..stop, word.bytes()));
        }
        _ => bytes[at] = bytes[at].wrapping_add(rng.random_range(0..3)).wrapping_sub(1),
    }
}

/// Length and checksum of a wane file.
fn seal_wane(bytes: &mut [u8]) {
    if bytes.len() < 40 {
        return;
    }
    let length = (bytes.len() - 40) as u64;
    bytes[28..36].copy_from_slice(&length.to_le_bytes());
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&bytes[..36]);
    checksum.update(&bytes[40..]);
    bytes[36..40].copy_from_slice(&checksum.finalize().to_le_bytes());
}

/// The length of a safetensors header that ends with its last brace.
fn seal_safetensors(bytes: &mut [u8]) {
    if let Some(end) = bytes.iter().skip(8).rposition(|&byte| byte == b'}') {
        bytes[..8].copy_from_slice(&(end as u64 + 1).to_le_bytes());
    }
}

fn targets(path: &Path) -> Result<Vec<Target>, Error> {
    let whole = || vec![std::fs::read(path).expect("what was just written")];
    let mut targets = Vec::new();

    let lists = vec![("exp_avg".to_owned(), vec![vec![0.5; 3], vec![]])];
    file::write(path, "fuzz", &Contents { name: "fuzz".to_owned(), values: vec![1.0; 5], lists, best: Some(0.5) })?;
    let read = |path: &Path| file::read::<Contents>(path, "fuzz").map(drop);
    targets.push(Target { name: "wane", corpus: whole(), seal: seal_wane, read: Box::new(read) });

    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let f = Sequential::new().rms_norm(4).linear(4, 4).dropout(0.5);
    let branches = [Sequential::new(), Sequential::new().linear(4, 1).leaky_relu()];
    let builder = Sequential::new().linear(2, 4).elu().residual(f).parallel(branches).layer_norm(5).linear(5, 1);
    let model = builder.build(params.root(), &mut rng)?;
    let x_scaler = Some(StandardScaler::fit(array![[1.0, 2.0], [3.0, 5.0]].view())?);
    wane::train::save_model(path, &model, &params, &ModelCard { x_scaler, ..Default::default() })?;
    let read = |path: &Path| {
        let mut predictor = wane::train::load_model::<f32>(path)?;
        predictor.predict_row(&[0.5, -1.0]).map(drop)
    };
    targets.push(Target { name: "model", corpus: whole(), seal: seal_wane, read: Box::new(read) });

    wane::train::save_safetensors(path, &params)?;
    let corpus = whole();
    let weights = params.clone();
    let read = move |path: &Path| wane::train::load_safetensors(path, &mut weights.clone(), OtherPrecision::Convert);
    targets.push(Target { name: "safetensors", corpus, seal: seal_safetensors, read: Box::new(read) });

    let mut optimizer = Adam::new(AdamOptions { amsgrad: true, ..Default::default() })?.group(Group::all(&params))?;
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    model.forward(tape.record(&params).input(&array![[0.5, -1.0]])).sum().backward(&mut grads);
    optimizer.step(&mut params, &grads)?;
    wane::train::save_optimizer_safetensors(path, &optimizer, &params)?;
    let corpus = whole();
    let read = move |path: &Path| {
        let mut optimizer = optimizer.clone();
        wane::train::load_optimizer_safetensors(path, &mut optimizer, &params, OtherPrecision::Convert)
    };
    targets.push(Target { name: "optimizer", corpus, seal: seal_safetensors, read: Box::new(read) });

    let corpus = ["a,b,y\n1,2,3\n-0.5,1e3,0\n", "a,\"b\",y\r\n\"1\",2,0\r\n3,4,1\r\n", "\u{feff}y,x\n0,0.5\n2,7\n"];
    let corpus: Vec<_> = corpus.iter().map(|text| text.as_bytes().to_vec()).collect();
    let read = |path: &Path| {
        let (numbers, classes) = (Dataset::<f32>::from_csv(path, "y"), Dataset::<f32>::classes_from_csv(path, "y"));
        numbers.and(classes).map(drop)
    };
    targets.push(Target { name: "csv", corpus, seal: |_| {}, read: Box::new(read) });
    Ok(targets)
}
