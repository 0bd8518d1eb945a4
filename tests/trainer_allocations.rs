//! What a trainer asks the allocator for does not grow with its batches: after the first epoch a step allocates nothing.

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use wane::ndarray::Array2;
use wane::prelude::*;

fn numbers(rows: usize) -> Dataset<f32> {
    let x = Array2::from_shape_fn((rows, 2), |(row, column)| (row * (column + 2) % 7) as f32 / 7.0);
    let y = Array2::from_shape_fn((rows, 1), |(row, _)| x[[row, 0]] * x[[row, 1]]);
    Dataset::new(x, y).unwrap()
}

fn classes(rows: usize) -> Dataset<f32> {
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    Dataset::with_classes(numbers(rows).x().to_owned(), Classes::new(&labels, 3).unwrap()).unwrap()
}

/// How often a run of three epochs asks the allocator for memory.
fn of_a_run(data: &Dataset<f32>, outputs: usize, metric: Metric) -> usize {
    let mut rng = Rng::seed_from_u64(0);
    let mut params = Params::new();
    let builder = Sequential::new().linear(2, 6).tanh().dropout(0.2).linear(6, outputs);
    let model = builder.build(params.root(), &mut rng).unwrap();
    let weights = params.matching("*.weight").unwrap();
    let options = AdamWOptions { weight_decay: 0.1, ..Default::default() };
    let optimizer = AdamW::new(options).unwrap().decay_matrices_only(&params).unwrap();
    let mut optimizer = optimizer.schedule(Schedule::cosine(500, 0.1).unwrap()).unwrap();
    let options = TrainerOptions {
        epochs: 3,
        batch_size: 8,
        clip_norm: Some(0.1),
        clip_value: Some(0.1),
        advance: Advance::Batch,
        ema: Some(0.9),
        metrics: vec![metric],
        progress: false,
        ..Default::default()
    };
    let trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    let mut trainer = trainer.penalty(&L1::new(1e-3).unwrap(), &weights);
    allocations(|| {
        trainer.fit(data, &mut rng).unwrap();
    })
}

#[test]
fn a_trainers_step_allocates_nothing() {
    let few = of_a_run(&numbers(16), 1, Metric::R2);
    assert!(few > 0, "the counter counts");
    assert_eq!(of_a_run(&numbers(800), 1, Metric::R2), few);
    assert_eq!(of_a_run(&classes(800), 3, Metric::Accuracy), of_a_run(&classes(16), 3, Metric::Accuracy));
}
