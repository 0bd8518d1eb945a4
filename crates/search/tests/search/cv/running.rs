//! What runs, and what ends it.

use super::text;
use ndarray::{Array2, ArrayView2};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use wane_autodiff::{Classes, Error, Rng, Threads};
use wane_data::Dataset;
use wane_search::{
    CvOptions, GridSearch, KFold, LeaveOneOut, ParameterGrid, Setting, Split, Splitter, cross_validate, sweep,
};

type Constant = Box<dyn Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>, Error>>;

/// Rows whose x is their number and whose y is 0.
fn numbered(rows: usize) -> Dataset<f64> {
    Dataset::new(Array2::from_shape_fn((rows, 1), |(row, _)| row as f64), Array2::zeros((rows, 1))).unwrap()
}

/// Fails where row 0 is to be learned from.
fn picky(train: &Dataset<f64>, fits: &AtomicUsize) -> Result<Constant, Error> {
    fits.fetch_add(1, Ordering::Relaxed);
    if train.x()[(0, 0)] == 0.0 {
        return Err(Error::data("row", 0, "another"));
    }
    Ok(Box::new(|x| Ok(Array2::zeros((x.nrows(), 1)))))
}

#[test]
fn a_fold_that_fails_ends_all_only_if_it_is_to() {
    let (data, fits) = (numbered(100), AtomicUsize::new(0));
    let estimator = |train: &Dataset<f64>, _: &mut Rng| picky(train, &fits);
    let one = Threads::new(1).unwrap();
    let run = |raise| {
        let options = CvOptions { raise, ..Default::default() };
        one.install(|| cross_validate(&estimator, &data, &LeaveOneOut, &options))
    };
    let scores = run(false).unwrap();
    assert!(scores.test_scores()[0] == 0.0 && scores.test_scores()[1..].iter().all(|score| score.is_nan()));
    assert_eq!(scores.folds[7].fault.as_ref().unwrap().to_string(), "row is 0; expected another");
    assert_eq!(fits.swap(0, Ordering::Relaxed), 100);
    assert_eq!(text(run(true)), "split 1: row is 0; expected another");
    assert_eq!(fits.into_inner(), 2);
}

#[test]
fn the_first_failure_is_told_whatever_the_number_of_workers() {
    let (data, fits) = (numbered(40), AtomicUsize::new(0));
    let grid = ParameterGrid::new().values("alpha", [1.0, 2.0]).unwrap();
    let make = |_: &Setting| Ok(|train: &Dataset<f64>, _: &mut Rng| picky(train, &fits));
    let search = GridSearch::new(grid, make).options(CvOptions { raise: true, ..Default::default() });
    for workers in [1, 4] {
        let error = text(Threads::new(workers).unwrap().install(|| search.run(&data, &LeaveOneOut)));
        assert_eq!(error, r#"{"alpha": 1}: split 1: row is 0; expected another"#);
    }
    let always = |_: &Dataset<f64>, _: &mut Rng| Err::<Constant, _>(Error::data("row", 0, "another"));
    let all = cross_validate(&always, &data, &KFold::new(4).unwrap(), &CvOptions::default());
    assert_eq!(text(all), "all 4 fits failed; the first: split 0: row is 0; expected another");
}

#[test]
fn a_grid_has_the_scores_that_its_settings_have_alone() {
    let data = numbered(30);
    // Predictions tell the setting, the training rows and those to be judged apart.
    let estimator = |alpha: f64| {
        move |train: &Dataset<f64>, _: &mut Rng| {
            let sum = train.x().sum();
            Ok(move |x: ArrayView2<'_, f64>| Ok(x.mapv(|x| alpha + (sum + x).sin())))
        }
    };
    let grid = ParameterGrid::new().values("alpha", [1.0, 2.0, 3.0]).unwrap();
    let search = GridSearch::new(grid, |setting: &Setting| Ok(estimator(setting.float("alpha")?)));
    for workers in [1, 3] {
        let results = Threads::new(workers).unwrap().install(|| search.run(&data, &KFold::new(7).unwrap())).unwrap();
        for (setting, scores) in &results.settings {
            let alone = estimator(setting.float("alpha").unwrap());
            let alone = cross_validate(&alone, &data, &KFold::new(7).unwrap(), &CvOptions::default()).unwrap();
            assert_eq!(scores.test_scores(), alone.test_scores(), "{setting}");
        }
    }
}

#[test]
fn a_job_that_panics_ends_the_sweep() {
    let begun = AtomicUsize::new(0);
    let jobs: Vec<usize> = (0..2000).collect();
    let work = |&job: &usize, _: &mut _| {
        begun.fetch_add(1, Ordering::Relaxed);
        assert!(job != 3, "job 3");
        thread::sleep(Duration::from_millis(1));
    };
    let ended = thread::scope(|scope| {
        let sweeping = scope.spawn(|| Threads::new(2).unwrap().install(|| sweep(&jobs, work)));
        sweeping.join().unwrap_err()
    });
    assert_eq!(ended.downcast_ref::<&str>(), Some(&"job 3"));
    assert!(begun.into_inner() < 1000);
}

#[test]
fn inside_a_job_there_is_one_thread() {
    let threads = |jobs: usize| {
        Threads::new(3).unwrap().install(|| sweep(&vec![(); jobs], |(), _| rayon::current_num_threads())).unwrap()
    };
    assert_eq!((threads(0), threads(1), threads(2)), (vec![], vec![1], vec![1, 1]));
}

/// Names a row that isn't there.
#[derive(Debug)]
struct Beyond(Vec<usize>);

impl Splitter for Beyond {
    fn split(&self, _: usize, _: Option<&Classes>) -> Result<Vec<Split>, Error> {
        Ok(vec![Split { train: vec![0, 1], test: self.0.clone() }])
    }
}

#[test]
fn splits_of_other_rows_are_refused() {
    let fits = AtomicUsize::new(0);
    let estimator = |train: &Dataset<f64>, _: &mut Rng| picky(train, &fits);
    let run = |test| text(cross_validate(&estimator, &numbered(3), &Beyond(test), &CvOptions::default()));
    assert_eq!(run(vec![2, 3]), "row of a split is 3; expected a row below 3");
    assert_eq!(run(vec![]), "number of rows of a split is 0; expected at least 1");
    assert_eq!(fits.into_inner(), 0);
}
