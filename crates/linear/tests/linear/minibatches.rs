//! The support of the certified lasso, from batches.

use crate::common::diabetes;
use ndarray::{Array1, Axis};
use wane_autodiff::rand::{SeedableRng, seq::SliceRandom};
use wane_autodiff::{Params, Rng};
use wane_linear::{ElasticNetOptions, elastic_net, lambda_max};
use wane_optim::{Group, Optimizer, Rule, Schedule, SgdL1Options, SgdOptions};
use wane_penalties::L1;

const EPOCHS: usize = 1500;
const BATCH: usize = 34;

/// Which weights are zero after each of the last 100 epochs, in batches and at a rate that falls to a hundredth.
fn zeros<R: Rule>(options: R, prox: Option<L1>) -> Vec<Vec<bool>> {
    let (x, y, _) = diabetes();
    let y = &y - y.mean().unwrap();
    let mut params = Params::new();
    let id = params.root().add("w", &Array1::<f64>::zeros(x.ncols())).unwrap();
    let group = Group::new(&[id]);
    let group = match prox {
        Some(prox) => group.prox(prox),
        None => group,
    };
    let falls = Schedule::exponential(0.01_f64.powf(1.0 / EPOCHS as f64)).unwrap();
    let mut optimizer = Optimizer::new(options).unwrap().group(group).unwrap().schedule(falls).unwrap();
    let (mut grads, mut rng, mut order) = (params.grads(), Rng::seed_from_u64(0), (0..y.len()).collect::<Vec<_>>());
    let mut zeros = Vec::new();
    for epoch in 0..EPOCHS {
        order.shuffle(&mut rng);
        for rows in order.chunks(BATCH) {
            let (x, y) = (x.select(Axis(0), rows), y.select(Axis(0), rows));
            let residual = x.dot(&Array1::from_vec(params.as_slice().to_vec())) - y;
            grads.set(id, &(x.t().dot(&residual) / rows.len() as f64)).unwrap();
            optimizer.step(&mut params, &grads).unwrap();
        }
        optimizer.advance().unwrap();
        if epoch >= EPOCHS - 100 {
            zeros.push(params.as_slice().iter().map(|w| w.to_bits() == 0).collect());
        }
    }
    zeros
}

/// The cumulative penalty reaches it and keeps it; the proximal step, whose threshold is smaller than the noise of a batch,
/// never does.
#[test]
fn batches_reach_the_support_by_the_cumulative_penalty_alone() {
    let (x, y, _) = diabetes();
    let options = ElasticNetOptions { l1_ratio: 1.0, ..Default::default() };
    let alpha = 0.1 * lambda_max(x.view(), y.view(), &options).unwrap();
    let lasso = elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, ..options });
    let wanted: Vec<_> = lasso.unwrap().weights.iter().map(|w| w.to_bits() == 0).collect();
    assert!(wanted.contains(&true) && wanted.contains(&false), "{wanted:?}");
    let cumulative = zeros(SgdL1Options { lr: 0.1, l1: alpha, ..Default::default() }, None);
    assert!(cumulative.iter().all(|zeros| *zeros == wanted), "{wanted:?}: {cumulative:?}");
    let proximal = zeros(SgdOptions { lr: 0.1, ..Default::default() }, Some(L1::new(alpha).unwrap()));
    assert!(proximal.iter().all(|zeros| *zeros != wanted), "{wanted:?}: {proximal:?}");
    // By chance it has some of them: less than half.
    let count = |zeros: &[Vec<bool>]| zeros.iter().flatten().filter(|&&is_zero| is_zero).count();
    assert!(2 * count(&proximal) < count(&cumulative), "{proximal:?}");
}
