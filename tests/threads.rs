//! The same bits on any number of threads: products by every kernel, training, predictions, large optimizer steps.

use wane::autodiff::gemm::{Kernel, MatRef, Mode, Product, gemm_by};
use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

const COUNTS: [usize; 5] = [1, 2, 3, 4, 7];

/// What `work` gives on each number of threads is what it gives on one.
fn same_bits(what: &str, work: impl Fn() -> Vec<u32> + Sync) {
    let on = |count| Threads::new(count).unwrap().install(&work);
    let alone = on(1);
    for count in COUNTS {
        assert!(on(count) == alone, "{what}: other bits on {count} threads");
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn draw(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    let mut rng = Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0))
}

#[test]
fn products_do() {
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
        // The last ones are large enough for many threads, wide, tall, thin and with ragged edges.
        for (m, k, n) in [
            (64, 32, 128),
            (128, 257, 515),
            (1000, 100, 130),
            (17, 1000, 1030),
            (2000, 600, 9),
            (600, 700, 1),
            (34, 4000, 34),
            (1, 2000, 2000),
        ] {
            let (a, b) = (draw(m, k, 1), draw(k, n, 2));
            let (a, b) = (a.as_slice().unwrap(), b.as_slice().unwrap());
            for (a, b) in [
                (MatRef::new(a, m, k), MatRef::new(b, k, n)),
                (MatRef::new(a, k, m).t(), MatRef::new(b, k, n)),
                (MatRef::new(a, m, k), MatRef::new(b, n, k).t()),
            ] {
                same_bits(&format!("{kernel:?} {m},{k},{n}"), || {
                    let mut c = vec![0.5; m * n];
                    for mode in [Mode::Replace, Mode::Add] {
                        gemm_by(Some(kernel), Product { a, b, mode }, &mut c, &mut Vec::new());
                    }
                    bits(&c)
                });
            }
        }
    }
}

#[test]
fn training_and_predicting_do() {
    let (x, labels) = (draw(300, 200, 3), (0..300).map(|row| row % 10).collect::<Vec<_>>());
    let classes = Classes::new(&labels, 10).unwrap();
    same_bits("training", || {
        let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(4));
        let model = Sequential::new().linear(200, 700).relu().dropout(0.1).linear(700, 300).tanh().linear(300, 10);
        let model = model.build(params.root(), &mut rng).unwrap();
        let mut adamw = AdamW::new(AdamWOptions::default()).unwrap().decay_matrices_only(&params).unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        for _ in 0..3 {
            let graph = tape.record(&params).training(&mut rng);
            model.forward(graph.input(&x)).cross_entropy_loss(&classes).backward(&mut grads);
            adamw.step(&mut params, &grads).unwrap();
        }
        let mut all = bits(params.as_slice());
        all.extend(bits(model.predict(&params, x.view()).unwrap().as_slice().unwrap()));
        all
    });
}

#[test]
fn optimizer_steps_do() {
    let (weights, gradient) = (draw(1, 500_001, 5).row(0).to_owned(), draw(1, 500_001, 6).row(0).to_owned());
    let run = |step: &(dyn Fn(&mut Params<f32>, &Grads<f32>) + Sync)| {
        let mut params = Params::<f32>::new();
        let id = params.root().add("weight", &weights).unwrap();
        let mut grads = params.grads();
        grads.set(id, &gradient).unwrap();
        step(&mut params, &grads);
        bits(params.as_slice())
    };
    same_bits("AdamW", || {
        run(&|params, grads| {
            let mut adamw = AdamW::new(AdamWOptions::default()).unwrap().group(Group::all(params)).unwrap();
            (0..3).for_each(|_| adamw.step(params, grads).unwrap());
        })
    });
    same_bits("SGD", || {
        run(&|params, grads| {
            let options = SgdOptions { momentum: 0.9, nesterov: true, ..Default::default() };
            let mut sgd = Sgd::new(options).unwrap().group(Group::all(params)).unwrap();
            (0..3).for_each(|_| sgd.step(params, grads).unwrap());
        })
    });
}

#[test]
fn no_threads_are_refused() {
    assert_eq!(Threads::new(0).unwrap_err().to_string(), "number of threads is 0; expected at least 1");
}
