//! What is said of an edit's effect, beside counts of one's own; and training, which edits are compared with.

use crate::common::{network, refused};
use wane_autodiff::ndarray::Axis;
use wane_autodiff::ndarray::{Array2, ArrayView1, array, concatenate, s};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Activation, Classes, Params, Rng};
use wane_edit::{Bystanders, EffectOptions, FineTuneOptions, Wanted, fine_tune};

fn class(row: ArrayView1<'_, f64>) -> usize {
    (0..row.len()).reduce(|best, at| if row[at] > row[best] { at } else { best }).unwrap()
}

/// Of three classes, before and after a change of everything.
fn before_and_after() -> (wane_layers::Sequential<f64>, Params<f64>, Params<f64>, Array2<f64>) {
    let (model, params, x) = network::<f64>(3, Activation::Tanh, 8);
    let mut after = params.clone();
    after.as_mut_slice().iter_mut().enumerate().for_each(|(at, value)| *value += (at as f64).sin());
    (model, params, after, x)
}

#[test]
fn locality_is_of_all_but_the_edited() {
    let (model, params, after, x) = before_and_after();
    let bystanders = Bystanders::new(&model, &params, x.view()).unwrap();
    let (y, z) = (model.predict(&params, x.view()).unwrap(), model.predict(&after, x.view()).unwrap());
    assert_eq!(bystanders.before(), y);
    for edited in [x.slice(s![3..5, ..]).to_owned(), array![[0.1, 0.2, 0.3]]] {
        let rows: Vec<usize> = (0..x.nrows()).filter(|row| edited.nrows() == 1 || !(3..5).contains(row)).collect();
        let (mut square, mut flips, mut kl) = (0.0, Vec::new(), 0.0);
        for &row in &rows {
            square += (0..3).map(|at| (z[(row, at)] - y[(row, at)]).powi(2)).sum::<f64>();
            if class(y.row(row)) != class(z.row(row)) {
                flips.push((row, class(y.row(row)), class(z.row(row))));
            }
            let sums = [&y, &z].map(|output| output.row(row).iter().map(|value| value.exp()).sum::<f64>());
            let shares = |at: usize| (y[(row, at)].exp() / sums[0], z[(row, at)].exp() / sums[1]);
            kl += (0..3).map(shares).map(|(p, q)| p * (p / q).ln()).sum::<f64>();
        }
        let n = rows.len() as f64;
        let locality = bystanders.locality(&after, edited.view()).unwrap();
        assert!((locality.drift - (square / n / 3.0).sqrt()).abs() < 1e-14, "{locality:?}");
        assert!((locality.kl - kl / n).abs() < 1e-14 && kl > 0.1, "{locality:?}");
        assert_eq!(locality.flips, flips.len() as f64 / n);
        let flipped = bystanders.flipped(&after, edited.view()).unwrap();
        let flipped: Vec<_> = flipped.iter().map(|flip| (flip.row, flip.before, flip.after)).collect();
        assert!(flips.len() > 3 && flipped == flips, "{flips:?}");
    }
    let same = bystanders.locality(&params, x.slice(s![..1, ..])).unwrap();
    assert_eq!((same.drift, same.flips, same.kl), (0.0, 0.0, 0.0));
    let none = bystanders.locality(&after, x.view()).unwrap();
    assert!(none.drift.is_nan() && none.flips.is_nan() && none.kl.is_nan());
}

#[test]
fn effect_is_of_the_edited_their_copies_and_their_neighbours() {
    let (model, params, after, x) = before_and_after();
    let bystanders = Bystanders::new(&model, &params, x.view()).unwrap();
    let (y, z) = (model.predict(&params, x.view()).unwrap(), model.predict(&after, x.view()).unwrap());
    let rows = [3, 4, 10];
    let edited = concatenate(Axis(0), &rows.map(|row| x.slice(s![row..=row, ..]))).unwrap();
    // Two of the three are what is wanted.
    let (first, second, third) = (class(z.row(3)), class(z.row(4)), (class(z.row(10)) + 1) % 3);
    let wanted = Classes::new(&[first, second, third], 3).unwrap();
    let (mut kept, mut near) = (0, 0);
    for row in rows {
        let far = |other: usize| (0..3).map(|at| (x[(row, at)] - x[(other, at)]).powi(2)).sum::<f64>();
        let mut same: Vec<usize> =
            (0..x.nrows()).filter(|&at| !rows.contains(&at) && class(y.row(at)) == class(y.row(row))).collect();
        same.sort_by(|&a, &b| far(a).total_cmp(&far(b)));
        near += same.len().min(7);
        kept += same.iter().take(7).filter(|&&at| class(z.row(at)) == class(y.row(at))).count();
    }
    let options = EffectOptions { copies: 5, noise: 0.0, neighbours: 7 };
    let effect = |options: EffectOptions| {
        bystanders.effect(&after, (edited.view(), &wanted), &options, &mut Rng::seed_from_u64(0)).unwrap()
    };
    let still = effect(options);
    // Copies without noise are the inputs.
    assert!((still.efficacy - 2.0 / 3.0).abs() < 1e-15 && (still.generalisation - 2.0 / 3.0).abs() < 1e-15);
    assert!(still.specificity == kept as f64 / near as f64 && kept > 0 && kept < near, "{still:?}");
    // With much noise they are anything.
    let noisy = effect(EffectOptions { copies: 2000, noise: 100.0, ..options });
    assert!(noisy.generalisation > 0.05 && noisy.generalisation < 0.6, "{noisy:?}");
    assert_eq!((noisy.efficacy, noisy.specificity), (still.efficacy, still.specificity));
    let alone = effect(EffectOptions { copies: 0, neighbours: 0, ..options });
    assert!(alone.generalisation.is_nan() && alone.specificity.is_nan() && alone.efficacy == still.efficacy);
}

#[test]
fn bystanders_refuse_by_name() {
    let (model, params, after, x) = before_and_after();
    let none = Bystanders::new(&model, &params, x.slice(s![..0, ..])).map(drop).unwrap_err().to_string();
    assert_eq!(none, "number of rows of x is 0; expected at least 1");
    let bystanders = Bystanders::new(&model, &params, x.view()).unwrap();
    let narrow = x.slice(s![..1, ..2]);
    let refused = bystanders.locality(&after, narrow).unwrap_err().to_string();
    assert_eq!(refused, "number of columns of the edited rows is 2; expected 3, as the other rows have");
    for (edited, labels, count, noise, expected) in [
        (1, vec![0, 1], 3, 0.1, "number of wanted classes is 2; expected 1, one an edited input, and at least 1"),
        (0, vec![], 3, 0.1, "number of wanted classes is 0; expected 0, one an edited input, and at least 1"),
        (1, vec![0], 4, 0.1, "number of classes is 4; expected 3, as the model has outputs"),
        (1, vec![0], 3, -0.1, "noise is -0.1; expected"),
        (1, vec![0], 3, f64::NAN, "noise is NaN; expected"),
    ] {
        let options = EffectOptions { noise, ..Default::default() };
        let wanted = Classes::new(&labels, count).unwrap();
        let edited = x.slice(s![..edited, ..]);
        let message = bystanders.effect(&after, (edited, &wanted), &options, &mut Rng::seed_from_u64(0));
        let message = message.unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn fine_tuning_reaches_what_is_wanted_with_what_it_may_train() {
    let (model, original, _, x) = before_and_after();
    let layer = [original.id("2.weight").unwrap(), original.id("2.bias").unwrap()];
    let row = x.slice(s![..1, ..]);
    let options = FineTuneOptions { lr: 1e-2, ..Default::default() };
    let classes = Classes::new(&[2], 3).unwrap();
    let outputs = array![[0.5, -0.5, 0.25]];
    for wanted in [Wanted::Classes(&classes), Wanted::Outputs(outputs.view())] {
        let mut params = original.clone();
        let steps = fine_tune(&model, &mut params, &layer, (row, wanted), &options).unwrap().expect("reached");
        let output = model.predict(&params, row).unwrap();
        match wanted {
            Wanted::Classes(_) => {
                let odds: f64 = (0..3).map(|other| (output[(0, other)] - output[(0, 2)]).exp()).sum();
                assert!(1.0 / odds >= 0.95);
            }
            _ => assert!((&output - &outputs).iter().all(|off| off.abs() <= 1e-3), "{output}"),
        }
        for (before, now) in original.iter().zip(params.iter()) {
            assert_eq!(before.values == now.values, !["2.weight", "2.bias"].contains(&before.name), "{}", before.name);
        }
        // Not before, and not at all where that is too late.
        let mut params = original.clone();
        let few = FineTuneOptions { steps: steps - 1, ..options };
        assert_eq!(fine_tune(&model, &mut params, &layer, (row, wanted), &few).unwrap(), None);
    }
}

#[test]
fn fine_tuning_refuses_by_name() {
    let (model, mut params, _, x) = before_and_after();
    let (ids, row, wide) = (params.ids(), x.slice(s![..1, ..]), array![[0.0; 4]]);
    let (two, four) = (Classes::new(&[0, 1], 3).unwrap(), Classes::new(&[0], 4).unwrap());
    let one = Classes::new(&[0], 3).unwrap();
    let options = FineTuneOptions::default();
    let narrow = x.slice(s![..1, ..2]);
    for (trained, x, wanted, options, expected) in [
        (&ids[..], row, Wanted::Classes(&two), options, "rows and number of classes is (2, 3); expected [1, 3]"),
        (&ids, row, Wanted::Classes(&four), options, "rows and number of classes is (1, 4); expected [1, 3]"),
        (&ids, row, Wanted::Outputs(wide.view()), options, "shape of the outputs wanted is [1, 4]; expected [1, 3]"),
        (&ids, row, Wanted::Values(wide.view()), options, "wanted is values of a layer"),
        (&ids, narrow, Wanted::Classes(&one), options, "number of columns of x is 2"),
        (&ids, row, Wanted::Classes(&one), FineTuneOptions { lr: -1.0, ..options }, "Adam: lr is -1"),
        (&ids, row, Wanted::Classes(&one), FineTuneOptions { tolerance: f64::NAN, ..options }, "tolerance is NaN"),
        (&ids, row, Wanted::Classes(&one), FineTuneOptions { probability: 1.0, ..options }, "probability is 1"),
        (&[], row, Wanted::Classes(&one), options, ""),
    ] {
        let message = refused(&mut params, |params| fine_tune(&model, params, trained, (x, wanted), &options));
        assert!(message.starts_with(expected), "{message}");
    }
}
