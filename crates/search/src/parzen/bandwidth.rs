use super::ParzenOptions;

/// How far each observation's kernel reaches: σ is the larger of the gaps to the neighbours, or to an end of the interval
/// where there is none, and is clipped to [(high − low)/min(100, n + 2), high − low].
///
/// Without `consider_endpoints` the outermost of several observations have their inner gap instead; without
/// `consider_magic_clip` σ has only 1e-12 below it.
pub(super) fn bandwidths(mu: &[f64], (low, high): (f64, f64), options: &ParzenOptions) -> Vec<f64> {
    let n = mu.len();
    let order = order(mu);
    let at = |rank: usize| mu[order[rank]];
    let narrowest = if options.consider_magic_clip { (high - low) / (n as f64 + 2.0).min(100.0) } else { 1e-12 };
    let mut sigma = vec![0.0; n];
    for rank in 0..n {
        let below = at(rank) - if rank == 0 { low } else { at(rank - 1) };
        let above = if rank + 1 == n { high } else { at(rank + 1) } - at(rank);
        let gap = match (options.consider_endpoints || n == 1, rank) {
            (false, 0) => above,
            (false, _) if rank + 1 == n => below,
            _ => below.max(above),
        };
        sigma[order[rank]] = gap.max(narrowest).min(high - low);
    }
    sigma
}

/// Of how many observations at most equal ones are put in the order that NumPy gives them.
const NETWORK: usize = 256;

/// The observations' indices by rising value.
///
/// Of equal observations only the outer ones have a gap beside them, and which these are decides what weights the wide
/// kernels get. NumPy's `argsort`, hence Optuna, leaves them as a bitonic sorting network does; beyond its size they stay
/// in their own order.
fn order(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    if values.len() <= NETWORK {
        sort_by_network(values, &mut order);
    } else {
        order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    }
    order
}

/// Merges of blocks of 2, 4, 8… places: each place against its mirror image, then against one half, a quarter… of a block
/// away. Places beyond the last are never reached by a smaller value.
fn sort_by_network(values: &[f64], order: &mut [usize]) {
    let n = order.len();
    let mut exchange = |i: usize, j: usize| {
        if j < n && values[order[i]] > values[order[j]] {
            order.swap(i, j);
        }
    };
    let mut block = 2;
    while block < 2 * n {
        for start in (0..n).step_by(block) {
            (0..block / 2).for_each(|i| exchange(start + i, start + block - 1 - i));
        }
        let mut half = block / 4;
        while half > 0 {
            for start in (0..n).step_by(2 * half) {
                (start..start + half).for_each(|i| exchange(i, i + half));
            }
            half /= 2;
        }
        block *= 2;
    }
}
