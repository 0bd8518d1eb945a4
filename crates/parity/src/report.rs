use crate::compare::Difference;
use crate::{Failure, edit, elastic, folds, grid, journal, optimizer, parzen, pruner, schedule, training};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// What became of one file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was replayed.
    Replayed(Difference),
    /// Its kind is not one that is replayed here.
    Skipped(String),
    /// It could not be read, or asks for something that does not exist.
    Unreadable(Failure),
}

/// One file and what became of it.
#[derive(Debug)]
pub struct Replay {
    /// The file's name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The type of its numbers, where it says so.
    pub dtype: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Replay {
    /// Whether the file was replayed and every value is within tolerance.
    pub fn is_ok(&self) -> bool {
        matches!(&self.outcome, Outcome::Replayed(difference) if difference.out == 0 && difference.compared > 0)
    }

    /// Whether every value has the bits of its reference.
    pub fn has_same_bits(&self) -> bool {
        self.is_ok() && matches!(&self.outcome, Outcome::Replayed(difference) if difference.other_bits == 0)
    }

    /// Whether this alone makes a run a failure.
    pub fn is_failure(&self) -> bool {
        !self.is_ok() && !matches!(self.outcome, Outcome::Skipped(_))
    }
}

/// The files of a folder and what became of them.
#[derive(Debug)]
pub struct Report {
    replays: Vec<Replay>,
}

impl Report {
    /// Replays every JSON file of a folder and of the folders in it, in the order of their names.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn of_dir(dir: &Path) -> io::Result<Self> {
        let mut paths = Vec::new();
        collect(dir, &mut paths)?;
        paths.sort();
        Ok(Self { replays: paths.iter().map(|path| replay_file(path)).collect() })
    }

    /// Each file.
    pub fn replays(&self) -> &[Replay] {
        &self.replays
    }

    /// Whether something was replayed, and nothing failed or could not be read.
    pub fn is_success(&self) -> bool {
        self.replays.iter().any(Replay::is_ok) && !self.replays.iter().any(Replay::is_failure)
    }

    /// Of the float64 optimizer traces: those that agree bit for bit, and all.
    pub fn same_bits(&self) -> (usize, usize) {
        let is_f64_trace = |replay: &&Replay| replay.kind == "optimizer" && replay.dtype == "float64";
        let traces: Vec<_> = self.replays.iter().filter(is_f64_trace).collect();
        (traces.iter().filter(|replay| replay.has_same_bits()).count(), traces.len())
    }
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        // A link to a folder is not followed, for it may lead back; one that leads nowhere is reported, as whatever
        // can't be read.
        if entry.file_type()?.is_dir() {
            collect(&path, paths)?;
        } else if !path.is_dir() && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    Ok(())
}

fn replay_file(path: &Path) -> Replay {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (kind, dtype, outcome) = match read(path, &name) {
        Ok((kind, file)) => {
            let dtype = file.get("dtype").and_then(Value::as_str).unwrap_or_default().to_owned();
            let replayed = match kind.as_str() {
                "optimizer" => Some(optimizer::replay(file)),
                "training" => Some(training::replay(file)),
                "schedule" => Some(schedule::replay(file)),
                "elastic" => Some(elastic::replay(file)),
                "pruner" => Some(pruner::replay(file)),
                "optuna" => Some(journal::replay(path, file)),
                "parzen" => Some(parzen::replay(file)),
                "k" => Some(folds::replay(file)),
                "grid" => Some(grid::replay(file)),
                "edit" => Some(edit::replay(file)),
                _ => None,
            };
            let outcome = match replayed {
                Some(replayed) => replayed.map_or_else(Outcome::Unreadable, Outcome::Replayed),
                None => Outcome::Skipped(format!("kind {kind:?} is not replayed here")),
            };
            (kind, dtype, outcome)
        }
        Err(failure) => (String::new(), String::new(), Outcome::Unreadable(failure)),
    };
    Replay { name, kind, dtype, outcome }
}

fn read(path: &Path, name: &str) -> Result<(String, Value), Failure> {
    let file: Value = serde_json::from_slice(&fs::read(path)?)?;
    if !file.is_object() && !file.is_array() {
        return Err("neither an object nor an array".into());
    }
    let from_name = || name.split(['-', '.']).next().unwrap_or(name).to_owned();
    let kind = file.get("kind").and_then(Value::as_str).map_or_else(from_name, str::to_owned);
    Ok((kind, file))
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<38} ", self.name)?;
        match &self.outcome {
            Outcome::Replayed(difference) => {
                let Difference { absolute, relative, compared, .. } = difference;
                let bits = if self.has_same_bits() { "same bits" } else { "" };
                write!(f, "abs {absolute:7.1e}  rel {relative:7.1e}  of {compared:>4} values {bits:<9}  ")?;
                write!(f, "[{}]  {}", difference.tolerance(), if self.is_ok() { "ok" } else { "FAIL" })
            }
            Outcome::Skipped(reason) => write!(f, "skipped: {reason}"),
            Outcome::Unreadable(failure) => write!(f, "FAIL: {failure}"),
        }
    }
}

/// A line for each file, and one that counts them.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for replay in &self.replays {
            writeln!(f, "{replay}")?;
        }
        let ok = self.replays.iter().filter(|replay| replay.is_ok()).count();
        let failed = self.replays.iter().filter(|replay| replay.is_failure()).count();
        let skipped = self.replays.len() - ok - failed;
        let (same, all) = self.same_bits();
        write!(f, "\n{ok} ok, {failed} failed, {skipped} skipped; {same} of {all} float64 optimizer traces bit for bit")
    }
}
