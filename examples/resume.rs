//! Training that is killed and goes on: the same bits as training that nobody disturbed.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wane::data::synthetic::{Friedman1Options, friedman1};
use wane::prelude::*;

const EPOCHS: usize = 30;
const KILLED_AT: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(path) = std::env::args().nth(1) {
        // The child: slow enough to be killed before it is done.
        train(Path::new(&path), |epoch| {
            println!("{epoch}");
            std::thread::sleep(Duration::from_millis(50));
        })?;
        return Ok(());
    }
    let folder = std::env::temp_dir();
    let place = |name| folder.join(format!("wane-resume-{name}-{}.wane", std::process::id()));
    let (quiet, disturbed) = (place("undisturbed"), place("disturbed"));
    let expected = train(&quiet, |_| {})?;

    let mut child = Command::new(std::env::current_exe()?).arg(&disturbed).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("a child with an output")?;
    let reported = BufReader::new(output).lines().map_while(Result::ok).find(|line| *line == KILLED_AT.to_string());
    child.kill()?;
    let status = child.wait()?;
    assert!(reported.is_some() && !status.success(), "the child was to be killed in the middle");
    println!("{EPOCHS} epochs of training were killed in epoch {}", KILLED_AT + 1);

    let resumed = train(&disturbed, |_| {})?;
    println!("undisturbed      final loss {:.6}   bits {:016x}", expected, expected.to_bits());
    println!("killed, resumed  final loss {:.6}   bits {:016x}", resumed, resumed.to_bits());
    assert_eq!(resumed.to_bits(), expected.to_bits());
    std::fs::remove_file(quiet)?;
    std::fs::remove_file(disturbed)?;
    Ok(())
}

/// Trains from the checkpoint at `path` if there is one, else from the start; gives the last epoch's training loss.
fn train(path: &Path, mut report: impl FnMut(usize)) -> Result<f64, Error> {
    let mut rng = Rng::seed_from_u64(3);
    let data = friedman1::<f32>(&Friedman1Options { rows: 400, ..Default::default() }, &mut rng)?.dataset;
    let data = data.scale_y(&StandardScaler::fit(data.y())?)?;
    let mut params = Params::new();
    let builder = Sequential::new().linear(data.x().ncols(), 32).relu().dropout(0.1).linear(32, 1);
    let model = builder.build(params.root(), &mut rng)?;
    let mut optimizer = AdamW::new(AdamWOptions { lr: 3e-3, ..Default::default() })?
        .decay_matrices_only(&params)?
        .schedule(Schedule::cosine(EPOCHS as u64, 0.01)?)?;

    // Every five batches of thirteen an epoch: most checkpoints lie in the middle of one.
    let checkpoint = Some(Checkpoint { path: path.to_owned(), every: Every::Batches(5) });
    let options = TrainerOptions { epochs: EPOCHS, checkpoint, progress: false, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options)?.on_epoch(|end| {
        report(end.record.epoch);
        Ok(ControlFlow::Continue(()))
    });
    if path.exists() {
        trainer.resume(path, &mut rng)?;
    }
    trainer.fit(&data, &mut rng)?;
    Ok(trainer.history().epochs.last().map_or(f64::NAN, |epoch| epoch.train_loss))
}
