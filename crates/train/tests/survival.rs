//! Whatever happens while a checkpoint is saved, the old one or the new one is there.
#![cfg(unix)]

mod folder;
mod run;

use folder::Folder;
use run::{Run, in_the_middle};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wane_autodiff::Rng;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_train::file;

const PATH: &str = "WANE_TEST_SAVES_TO";
/// So many that a checkpoint is not written at one blow.
const HIDDEN: usize = 2048;

/// How many steps the run at `path` has done, and how many epochs are finished.
fn reached(path: &Path) -> (u64, usize) {
    let mut run = Run::new(HIDDEN);
    let (mut trainer, _, rng) = run.trainer(1, None);
    trainer.resume(path, rng).expect("the old checkpoint or the new one");
    (trainer.optimizer().time(), trainer.history().epochs.len())
}

/// The bytes of a checkpoint at the end of so many epochs, of the run at `from` or of one from the start.
fn trained_to(epochs: usize, from: Option<&Path>, to: &Path) -> Vec<u8> {
    let mut run = Run::new(HIDDEN);
    let (mut trainer, data, rng) = run.trainer(epochs, None);
    if let Some(from) = from {
        trainer.resume(from, rng).unwrap();
    }
    trainer.fit(data, rng).unwrap();
    trainer.save(to, rng).unwrap();
    std::fs::read(to).unwrap()
}

/// What the second process does: it trains and saves after every batch, until it is killed.
#[test]
fn training_without_end() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let path = Path::new(&path);
    let mut run = Run::new(HIDDEN);
    let (mut trainer, data, rng) = run.trainer(usize::MAX, Some((path, 1)));
    trainer.resume(path, rng).unwrap();
    trainer.fit(data, rng).unwrap();
}

#[test]
fn a_run_killed_two_hundred_times_while_saving_is_the_run_that_nobody_disturbed() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    let mut run = Run::new(HIDDEN);
    let (trainer, _, rng) = run.trainer(1, None);
    trainer.save(&path, rng).unwrap();
    let mut rng = Rng::seed_from_u64(0);
    let (mut last, mut half_written) = (0, 0);
    for _ in 0..200 {
        let mut saving = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "training_without_end"])
            .env(PATH, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(rng.random_range(5_000..40_000)));
        saving.kill().unwrap();
        saving.wait().unwrap();
        let (now, _) = reached(&path);
        assert!(now >= last, "an older checkpoint came back");
        last = now;
        half_written += usize::from(folder.names().len() > 1);
    }
    assert!(last > 20, "only {last} checkpoints were written");
    assert!(half_written > 5, "only {half_written} kills came while a file was being written");
    let (_, epochs) = reached(&path);
    let undisturbed = trained_to(epochs + 1, None, &folder.file("undisturbed"));
    // What was left behind is in nobody's way.
    assert!(trained_to(epochs + 1, Some(&path), &path) == undisturbed, "not the bits of the undisturbed run");
    assert_eq!(folder.names(), ["run.wane", "undisturbed"]);
}

#[test]
fn a_full_disk_leaves_the_old_checkpoint() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    let old = in_the_middle(&path, HIDDEN);
    // What is written goes to a name beside the file, and from there to a device that is always full.
    symlink("/dev/full", folder.file(".run.wane.tmp")).unwrap();
    let mut run = Run::new(HIDDEN);
    let (trainer, _, rng) = run.trainer(2, Some((&path, 3)));
    let message = trainer.save(&path, rng).unwrap_err().to_string();
    assert!(message.contains("file is not written") && message.contains("os error 28"), "{message}");
    assert_eq!(folder.names(), ["run.wane"]);
    assert!(std::fs::read(&path).unwrap() == old);
}

#[test]
fn a_place_that_is_no_file_is_refused_and_left_clean() {
    let folder = Folder::new();
    let path = folder.file("run.wane");
    file::write(&path, "survival", &1_u64).unwrap();
    for unwritable in [path.join("below a file"), folder.file("missing").join("run"), "/".into(), "..".into()] {
        let message = file::write(&unwritable, "survival", &2_u64).unwrap_err().to_string();
        assert!(message.contains("file is not written"), "{message}");
    }
    // Where a folder stands, the last step fails: the renaming.
    std::fs::create_dir(folder.file("folder")).unwrap();
    assert!(file::write(&folder.file("folder"), "survival", &2_u64).is_err());
    assert_eq!(folder.names(), ["folder", "run.wane"]);
    assert_eq!(file::read::<u64>(&path, "survival").unwrap(), 1);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let folder = Folder::new();
    let (link, other, real) = (folder.file("latest"), folder.file("other"), folder.file("runs").join("1.wane"));
    std::fs::create_dir(folder.file("runs")).unwrap();
    symlink("other", &link).unwrap();
    symlink(&real, &other).unwrap();
    for value in 1..3_u64 {
        // The first time the link leads to a file that is not there yet.
        file::write(&link, "survival", &value).unwrap();
        assert!(link.is_symlink() && other.is_symlink() && !real.is_symlink());
        assert_eq!(file::read::<u64>(&real, "survival").unwrap(), value);
        assert_eq!(file::read::<u64>(&link, "survival").unwrap(), value);
    }
    symlink("round", folder.file("round")).unwrap();
    let message = file::write(&folder.file("round"), "survival", &3_u64).unwrap_err().to_string();
    assert!(message.contains("links that lead nowhere"), "{message}");
    assert_eq!(folder.names(), ["latest", "other", "round", "runs"]);
}
