//! Replays reference values that PyTorch, scikit-learn, Optuna and a KKT solver wrote, and prints how far wane is from each.
//!
//! `cargo run --release --example parity -- DIR`; without DIR, the vendored files.

use std::path::PathBuf;
use std::process::ExitCode;
use wane_parity::Report;

fn main() -> ExitCode {
    let vendored = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/parity/golden");
    let dir = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| vendored.into()));
    match Report::of_dir(&dir) {
        Ok(report) => {
            println!("{report}");
            if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{}: {error}; expected a folder of JSON files", dir.display());
            ExitCode::FAILURE
        }
    }
}
