//! Two processes work on one study in one file, in Optuna's format; one is killed in the middle of a trial, and the other
//! runs that trial again. `optuna-dashboard FILE` shows such a file, and Optuna's own workers can join in.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;
use wane::data::synthetic::{LinearOptions, linear};
use wane::linear::{ElasticNetOptions, elastic_net};
use wane::prelude::*;
use wane::search::storage::{JournalOptions, JournalStorage};
use wane::search::{OptimizeOptions, Study, StudyOptions, TrialError, TrialRecord, TrialState};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(journal) = std::env::args_os().nth(1) {
        return Ok(work(&open(Path::new(&journal))?)?);
    }
    let journal = std::env::temp_dir().join(format!("wane-two-workers-{}.journal", std::process::id()));
    let study = open(&journal)?;
    let worker = || Command::new(std::env::current_exe()?).arg(&journal).spawn();
    let (mut first, mut second) = (worker()?, worker()?);
    let killed = loop {
        let trials = study.trials()?;
        let is_its = |trial: &&Arc<TrialRecord>| worker_of(trial) == Some(u64::from(first.id()));
        let is_under_way = |trial: &&Arc<TrialRecord>| trial.state == TrialState::Running && trial.params.len() == 2;
        match trials.iter().filter(is_its).nth(2).filter(is_under_way) {
            Some(third) => break third.number,
            None => check_alive(&mut first)?,
        }
    };
    first.kill()?;
    first.wait()?;
    println!("worker {} is killed in trial {killed}; worker {} goes on\n", first.id(), second.id());
    assert!(second.wait()?.success());

    let trials = study.trials()?;
    println!("trial   worker  state      alpha  l1_ratio  error");
    for trial in &trials {
        let param = |name| trial.params.get(name).map_or(f64::NAN, |param| param.internal);
        let (alpha, l1_ratio, worker) = (param("alpha"), param("l1_ratio"), worker_of(trial).unwrap_or_default());
        print!("{:>5} {worker:>8}  {:<8} {alpha:>7.4} {l1_ratio:>9.4}", trial.number, trial.state.to_string());
        match trial.value() {
            Some(value) => println!("  {value:.4}"),
            None => println!("  {}", trial.fail_reason().unwrap_or("")),
        }
        assert_eq!(trial.state == TrialState::Fail, trial.number == killed);
        assert!(trial.value().is_none_or(|value| Ok(value) == held_out_error(alpha, l1_ratio).map_err(|_| ())));
    }
    let again = |trial: &&Arc<TrialRecord>| trial.system_attrs.get("failed_trial") == Some(&killed.into());
    let again = trials.iter().find(again).ok_or("a trial that is run again")?;
    assert!(again.params == trials[killed].params && again.state == TrialState::Complete);
    println!("\ntrial {killed} was run again as trial {}: no trial and no value is lost", again.number);
    Ok(std::fs::remove_file(journal)?)
}

/// The default is to wait for minutes until a process that shows no sign of life is taken for dead.
fn open(journal: &Path) -> Result<Study, Error> {
    let (heartbeat, lock_grace) = (Some(Duration::from_millis(200)), Duration::from_secs(1));
    let options = JournalOptions { heartbeat, lock_grace, ..Default::default() };
    let storage = Arc::new(JournalStorage::open_with(journal, options)?);
    Study::create(StudyOptions { storage, load_if_exists: true, ..Default::default() })
}

/// Runs trials until one that had been left behind is complete.
fn work(study: &Study) -> Result<(), Error> {
    let is_enough = |_: &Study, trial: &TrialRecord| match trial.system_attrs.contains_key("failed_trial") {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let options = OptimizeOptions { callback: Some(&is_enough), progress: false, ..Default::default() };
    study.optimize(options, |trial| {
        trial.set_user_attr("worker", std::process::id())?;
        let alpha = trial.suggest_float_log("alpha", 1e-3..=1.0)?;
        let l1_ratio = trial.suggest_float("l1_ratio", 0.1..=1.0)?;
        // As long as a network's training would take.
        sleep(Duration::from_millis(200));
        Ok::<_, TrialError>(held_out_error(alpha, l1_ratio)?)
    })
}

/// The mean squared error, on rows it has not seen, of an elastic net.
fn held_out_error(alpha: f64, l1_ratio: f64) -> Result<f64, Error> {
    let mut rng = Rng::seed_from_u64(0);
    let data = linear::<f64>(&LinearOptions { noise: 1.0, ..Default::default() }, &mut rng)?.dataset;
    let (train, test) = data.split(0.5, &mut rng)?;
    let fit =
        elastic_net(train.x(), train.y().column(0), &ElasticNetOptions { alpha, l1_ratio, ..Default::default() })?;
    let residuals = fit.predict(test.x())? - test.y().column(0);
    Ok(residuals.pow2().mean().unwrap_or(f64::NAN))
}

fn worker_of(trial: &TrialRecord) -> Option<u64> {
    trial.user_attrs.get("worker")?.as_u64()
}

fn check_alive(worker: &mut Child) -> Result<(), String> {
    sleep(Duration::from_millis(5));
    match worker.try_wait() {
        Ok(None) => Ok(()),
        ended => Err(format!("the worker was to be killed in the middle, and has ended: {ended:?}")),
    }
}
