//! Counts that come from a file can go on.

use crate::common::{params_of, rng};
use wane_optim::{Ema, Group, Plateau, PlateauOptions, Sgd, SgdOptions};

const MOST: u64 = 1 << 53;

#[test]
fn counts_near_their_end_are_refused() {
    let mut params = params_of::<f64>(&mut rng(1), &[&[2]]);
    let options = SgdOptions { momentum: 0.9, ..Default::default() };
    let mut sgd = Sgd::new(options).unwrap().group(Group::all(&params)).unwrap();
    let grads = params.grads();
    let mut reached = grads.clone();
    reached.set(params.ids()[0], &wane_autodiff::ndarray::array![1.0, 1.0]).unwrap();
    sgd.step(&mut params, &reached).unwrap();
    let good = sgd.snapshot(&params).unwrap();
    for (time, steps, message) in [
        (MOST + 1, 1, "Sgd snapshot: time is 9007199254740993; expected at most 9007199254740992"),
        (0, u64::MAX, "Sgd snapshot: steps of 0 is 18446744073709551615; expected at most 9007199254740992"),
    ] {
        let mut bad = good.clone();
        (bad.time, bad.params[0].steps) = (time, steps);
        assert_eq!(sgd.restore(&params, &bad).unwrap_err().to_string(), message);
        assert_eq!(sgd.snapshot(&params).unwrap(), good);
    }
    let mut last = good.clone();
    (last.time, last.params[0].steps) = (MOST, MOST);
    sgd.restore(&params, &last).unwrap();
    sgd.step(&mut params, &reached).unwrap();
    sgd.advance().unwrap();

    let mut average = Ema::new(&params, 0.9).unwrap().snapshot();
    average.updates = MOST + 1;
    let error = Ema::restore(&params, average).unwrap_err().to_string();
    assert_eq!(error, "ema snapshot: updates is 9007199254740993; expected at most 9007199254740992");
}

#[test]
fn a_plateau_takes_what_its_options_allow() {
    let options = PlateauOptions { patience: 3, cooldown: 2, ..Default::default() };
    let mut plateau = Plateau::new(options).unwrap();
    let saved = |best: &str, bad: u64, cooling: u64| -> Plateau {
        let mut fields = serde_json::to_value(Plateau::new(options).unwrap()).unwrap();
        fields["best"] = best.parse::<f64>().unwrap().into();
        (fields["bad"], fields["cooling"]) = (bad.into(), cooling.into());
        serde_json::from_value(fields).unwrap()
    };
    for (bad, cooling, message) in [
        (4, 0, "plateau: epochs without improvement is 4; expected at most 3"),
        (0, 3, "plateau: epochs of cooldown left is 3; expected at most 2"),
    ] {
        assert_eq!(plateau.restore(saved("1", bad, cooling)).unwrap_err().to_string(), message);
        assert_eq!(plateau, Plateau::new(options).unwrap());
    }
    let other = Plateau::new(PlateauOptions { factor: 0.3, ..options }).unwrap();
    let message = "plateau factor is 0.3; expected 0.1";
    assert_eq!(plateau.restore(other).unwrap_err().to_string(), message);
    plateau.restore(saved("0.5", 3, 0)).unwrap();
    assert_eq!(plateau, saved("0.5", 3, 0));
    assert!(plateau.observe(0.5), "that was one too many");
}
