//! Where the time of a training step goes: `cargo bench --bench profile` prints the table of ARCHITECTURE.md, on one
//! thread.
//!
//! Products are timed on their own, by the shapes that the step has; so is the optimizer. The tape's part is what the same
//! layers cost when each is one wide and there is one row: all of the recording and next to none of the arithmetic. What
//! is left of the step goes to the element-wise passes: bias and activation, their gradients, the loss, copying the
//! inputs.
#![allow(missing_docs, unreachable_pub, reason = "a program")]

#[allow(dead_code, reason = "shared with other benches")]
mod workloads;

use std::time::Instant;
use wane::autodiff::Threads;
use wane::autodiff::gemm::{MatRef, Mode, Product, gemm};
use workloads::{W1, W2, W3, W4, Workload};

/// The median seconds of a call, after one that is not counted.
fn seconds(mut call: impl FnMut()) -> f64 {
    let clock = |call: &mut dyn FnMut(), calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / calls as f64
    };
    call();
    let calls = ((0.01 / clock(&mut call, 1)) as usize).clamp(1, 10_000);
    let mut times: Vec<_> = (0..if calls == 1 { 5 } else { 31 }).map(|_| clock(&mut call, calls)).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// All products of a step: an output and a weight's gradient for each layer, an input's gradient for all but the first.
fn products(workload: &Workload) -> f64 {
    let mut panel = Vec::new();
    let layers = workload.sizes.windows(2).enumerate();
    let times = layers.map(|(number, pair)| {
        let (rows, inputs, outputs) = (workload.rows, pair[0], pair[1]);
        let (x, w, dy) = (vec![0.5_f32; rows * inputs], vec![0.25; outputs * inputs], vec![1.0; rows * outputs]);
        let (mut y, mut dw, mut dx) = (dy.clone(), w.clone(), x.clone());
        let (x, w, dy) =
            (MatRef::new(&x, rows, inputs), MatRef::new(&w, outputs, inputs), MatRef::new(&dy, rows, outputs));
        let mode = Mode::Replace;
        let forward = seconds(|| gemm(Product { a: x, b: w.t(), mode }, &mut y, &mut panel));
        let weight = seconds(|| gemm(Product { a: dy.t(), b: x, mode }, &mut dw, &mut panel));
        let input =
            if number == 0 { 0.0 } else { seconds(|| gemm(Product { a: dy, b: w, mode }, &mut dx, &mut panel)) };
        forward + weight + input
    });
    times.sum()
}

fn row(workload: &Workload) {
    let mut training = workload.build();
    let step = seconds(|| training.step());
    let update = seconds(|| training.update());
    let products = products(workload);
    let ones = vec![1; workload.sizes.len()].leak();
    let mut bare = Workload { sizes: ones, rows: 1, target: workloads::Target::Numbers, ..*workload }.build();
    let tape = seconds(|| bare.gradient());
    let rest = (step - products - update - tape).max(0.0);
    let share = |part: f64| format!("{:.0} %", 100.0 * part / step);
    println!(
        "| {} {} | {:.2} µs | {:.0} | {} | {} | {} | {} |",
        workload.name,
        workload.shape(),
        step * 1e6,
        workload.flop() as f64 / step / 1e9,
        share(products),
        share(rest),
        share(update),
        share(tape)
    );
}

fn main() {
    // `cargo test --benches` runs every bench; this one has nothing to test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("| work | a step | GFLOP/s | products | element-wise | optimizer | tape |");
    println!("|---|---|---|---|---|---|---|");
    let threads = Threads::new(1).expect("a thread");
    threads.install(|| [W1, W2, W3, W4].iter().for_each(row));
}
