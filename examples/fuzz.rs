//! Throws damaged files at everything that reads one: `cargo run --release --example fuzz -- SECONDS [SEED]`.
//!
//! Whole files are made in memory and damaged with some knowledge of them: lengths and checksums are often put right
//! again, so that what is behind them is reached. A reader may take a file or refuse it; it may not panic, take more than a
//! second, nor hold more memory than the file's size and a constant where it refuses, or a multiple where it doesn't. A
//! trainer that has taken a checkpoint goes on from it; one that has refused it is as it was.

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;
#[path = "../crates/train/tests/run/mod.rs"]
mod run;

use run::{Run, in_the_middle, sealed};
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
const CLAIMS: usize = (3 << 20) + (1 << 16);
/// The most memory for one byte of a file that is taken: its values, what is made of them, and a trainer's tapes.
const RATIO: usize = 16;
const LONGEST: Duration = Duration::from_secs(1);

/// A reader under test: whole files for it, and how they are put right again after damage.
struct Target {
    name: &'static str,
    corpus: Vec<Vec<u8>>,
    seal: fn(Vec<u8>) -> Vec<u8>,
    read: Box<Read>,
}

/// What came of the files so far.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    panics: usize,
    findings: usize,
    /// The most bytes held, of what was accepted and of what was refused.
    held: [usize; 2],
    slowest: Duration,
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
        "{:<12} {:>9} {:>9} {:>7} {:>15} {:>15} {:>10}",
        "reader", "accepted", "refused", "panics", "most for one", "most for one", "longest"
    );
    let mut findings = 0;
    for target in &targets {
        let time = Duration::from_secs_f64(seconds as f64 / targets.len() as f64);
        let tally = fuzz(target, &path, time, &mut rng);
        let Tally { accepted, refused, panics, held: [taken, turned_down], slowest, .. } = tally;
        println!(
            "{:<12} {accepted:>9} {refused:>9} {panics:>7} {taken:>9} taken {turned_down:>7} refused {:>7.1} ms",
            target.name,
            slowest.as_secs_f64() * 1e3
        );
        findings += tally.findings;
    }
    let _ = std::fs::remove_file(&path);
    println!("{findings} findings");
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Throws damaged files at one reader; each that did harm is kept.
fn fuzz(target: &Target, path: &Path, time: Duration, rng: &mut Rng) -> Tally {
    let (mut tally, begin) = (Tally::default(), Instant::now());
    while begin.elapsed() < time {
        let mut bytes = target.corpus[rng.random_range(0..target.corpus.len())].clone();
        for _ in 0..rng.random_range(1..6) {
            damage(&mut bytes, rng);
        }
        if rng.random_bool(0.8) {
            bytes = (target.seal)(bytes);
        }
        // Some file systems wait for the disk where a file is cut to nothing and written anew.
        let _ = std::fs::remove_file(path);
        std::fs::write(path, &bytes).expect("a folder for temporary files");
        let begin = Instant::now();
        let (result, held) = counting::peak(|| catch_unwind(AssertUnwindSafe(|| (target.read)(path))));
        let took = begin.elapsed();
        let (count, place, most) = match &result {
            Ok(Ok(())) => (&mut tally.accepted, 0, RATIO * bytes.len() + CLAIMS),
            Ok(Err(_)) => (&mut tally.refused, 1, bytes.len() + CLAIMS),
            Err(_) => (&mut tally.panics, 1, usize::MAX),
        };
        *count += 1;
        tally.held[place] = tally.held[place].max(held);
        tally.slowest = tally.slowest.max(took);
        if result.is_err() || held > most || took > LONGEST {
            let name = format!("wane-finding-{}-{}", target.name, tally.findings);
            let kept: PathBuf = std::env::temp_dir().join(name);
            std::fs::write(&kept, &bytes).expect("a folder for temporary files");
            eprintln!("{}: {} ({held} bytes held, {took:?})", target.name, kept.display());
            tally.findings += 1;
        }
    }
    tally
}

const LENGTHS: [u64; 8] = [0, 1, 255, 1 << 16, 1 << 31, 1 << 40, 1 << 61, u64::MAX];

/// One change: of bits, bytes, lengths, numbers in text, or of the order of parts.
fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
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
    match rng.random_range(0..10) {
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
        8 => relength(&mut bytes[at..], rng),
        _ => bytes[at] = bytes[at].wrapping_add(rng.random_range(0..3)).wrapping_sub(1),
    }
}

/// The first eight bytes that may be the length of something become another.
fn relength(bytes: &mut [u8], rng: &mut Rng) {
    let read = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let is_length = |length: &u64| (1..=bytes.len() as u64).contains(length);
    let found = (0..bytes.len()).find_map(|at| Some((at, read(at).filter(is_length)?)));
    let Some((at, length)) = found else { return };
    let other = match rng.random_range(0..3) {
        0 => length - 1,
        1 => length + 1,
        _ => LENGTHS[rng.random_range(0..LENGTHS.len())],
    };
    bytes[at..at + 8].copy_from_slice(&other.to_le_bytes());
}

/// The length of a safetensors header that ends with its last brace.
fn seal_safetensors(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().skip(8).rposition(|&byte| byte == b'}') {
        bytes[..8].copy_from_slice(&(end as u64 + 1).to_le_bytes());
    }
    bytes
}

/// Checkpoints of a run that has not begun, is in the middle of an epoch, and has ended.
fn checkpoints(path: &Path) -> Result<Target, Error> {
    let mut corpus = vec![in_the_middle(path, 3)];
    let mut run = Run::new(3);
    let (mut trainer, data, rng) = run.trainer(2, None);
    for _ in 0..2 {
        trainer.save(path, rng)?;
        corpus.push(std::fs::read(path).expect("what was just written"));
        trainer.fit(data, rng)?;
    }
    let read = |path: &Path| {
        let mut run = Run::new(3);
        let (mut trainer, data, rng) = run.trainer(5, None);
        let before = (trainer.params().as_slice().to_vec(), rng.clone());
        if let Err(error) = trainer.resume(path, rng) {
            assert!((trainer.params().as_slice(), &*rng) == (&before.0, &before.1), "changed, and refused");
            return Err(error);
        }
        // With numbers of all sizes it may come to one that is not finite, which is an error and no harm.
        let _ = (trainer.fit(data, rng), trainer.history().to_csv(), trainer.extra::<(String, u8)>());
        Ok(())
    };
    Ok(Target { name: "checkpoint", corpus, seal: sealed, read: Box::new(read) })
}

fn targets(path: &Path) -> Result<Vec<Target>, Error> {
    let whole = || vec![std::fs::read(path).expect("what was just written")];
    let mut targets = vec![checkpoints(path)?];

    let lists = vec![("exp_avg".to_owned(), vec![vec![0.5; 3], vec![]])];
    file::write(path, "fuzz", &Contents { name: "fuzz".to_owned(), values: vec![1.0; 5], lists, best: Some(0.5) })?;
    let read = |path: &Path| file::read::<Contents>(path, "fuzz").map(drop);
    targets.push(Target { name: "wane", corpus: whole(), seal: sealed, read: Box::new(read) });

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
    targets.push(Target { name: "model", corpus: whole(), seal: sealed, read: Box::new(read) });

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
    targets.push(Target { name: "csv", corpus, seal: |bytes| bytes, read: Box::new(read) });
    Ok(targets)
}
