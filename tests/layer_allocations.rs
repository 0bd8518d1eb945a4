//! A training step allocates nothing after the first: normalising layers, embeddings, residual, parallel and tied ones.

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use wane::ndarray::{Array1, Array2};
use wane::prelude::*;
use wane::rand::RngExt;

#[test]
fn steps_allocate_nothing() {
    let mut rng = Rng::seed_from_u64(3);
    let mut params = Params::<f32>::new();
    let table = Embedding::new(params.at("table"), 4, 3, &mut rng).unwrap();
    let empty = Sequential::new;
    let model = empty()
        .linear(6 + 3, 8)
        .layer_norm(8)
        .residual(empty().rms_norm(8).linear(8, 8).gelu().linear(8, 8))
        .parallel([empty().linear(8, 2).tanh(), empty(), empty().linear(8, 5), empty().layer_norm(8)])
        .layer(|mut scope, rng| {
            let there = Linear::new(scope.at("there"), 23, 7, rng)?;
            let bias = scope.add("bias", &Array1::zeros(23))?;
            let back = Linear::tied_transposed(scope.params(), there.weight(), Some(bias))?;
            Residual::new(Pair(there, back))
        })
        .linear(23, 1)
        .build(params.root(), &mut rng)
        .unwrap();
    let x = Array2::from_shape_simple_fn((16, 6), || rng.random_range(-1.0_f32..1.0));
    let labels: Vec<_> = (0..16).map(|row| row * row % 4).collect();
    let labels = Classes::new(&labels, 4).unwrap();
    let mut optimizer = AdamW::new(AdamWOptions::default()).unwrap().decay_matrices_only(&params).unwrap();

    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut step = || {
        let graph = tape.record(&params).training(&mut rng);
        let rows = graph.concat(&[graph.input(&x), table.lookup(graph, &labels)], 1);
        let loss = model.forward(rows).square().mean();
        loss.backward(&mut grads);
        assert!(loss.item().is_finite());
        optimizer.step(&mut params, &grads).unwrap();
    };
    assert!(allocations(&mut step) > 0, "the counter counts");
    for number in 2..6 {
        assert_eq!(allocations(&mut step), 0, "step {number}");
    }
}

/// One layer after the other.
#[derive(Debug)]
struct Pair(Linear, Linear);

impl<T: Float> Module<T> for Pair {
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        self.1.forward(self.0.forward(x))
    }

    fn describe(&self) -> wane::layers::Description {
        let widths = Some((self.0.widths().0, self.1.widths().1));
        wane::layers::Description::of_parts::<T>("Pair", widths, &[&self.0, &self.1])
    }
}
