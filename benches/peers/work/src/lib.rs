//! The work that every program does, the numbers that it starts from, and how it is timed. `python/work.py` says the
//! same in Python.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// What one step of a work is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Forward, mean squared error, backward, Adam with coupled decay.
    Adam,
    /// Forward, mean squared error, backward, AdamW.
    AdamW,
    /// Forward, cross-entropy, backward, AdamW.
    Classify,
    /// AdamW's step alone: so many tensors of such a length.
    Update { tensors: usize, len: usize },
    /// The forward pass alone.
    Forward,
}

/// An MLP with ReLU between its layers, on rows in memory.
#[derive(Clone, Debug)]
pub struct Work {
    /// The widths, from the inputs to the outputs.
    pub sizes: Vec<usize>,
    pub rows: usize,
    pub step: Step,
    /// The steps after which all programs must agree.
    pub check: usize,
}

pub const LR: f64 = 1e-3;
pub const BETAS: (f64, f64) = (0.9, 0.999);
pub const EPS: f64 = 1e-8;
/// Strong enough for the check to see whether it is there.
pub const DECAY: f64 = 0.1;

impl Work {
    /// W1 … W6b, or `SIZES:ROWS` as `32-128-1:64`, trained as W2 is.
    pub fn named(name: &str) -> Self {
        let work = |sizes: &[usize], rows, step, check| Self { sizes: sizes.to_vec(), rows, step, check };
        match name {
            "W1" => work(&[10, 5, 2], 64, Step::Adam, 100),
            "W2" => work(&[32, 128, 128, 1], 64, Step::AdamW, 20),
            "W3" => work(&[784, 512, 256, 10], 128, Step::Classify, 10),
            "W4" => work(&[1024, 4096, 4096, 1024], 512, Step::AdamW, 2),
            "W5a" => work(&[], 0, Step::Update { tensors: 1, len: 10_000_000 }, 5),
            "W5b" => work(&[], 0, Step::Update { tensors: 1000, len: 1000 }, 5),
            "W6a" => work(&[32, 128, 128, 1], 1, Step::Forward, 1),
            "W6b" => work(&[32, 128, 128, 1], 1024, Step::Forward, 1),
            custom => {
                let (sizes, rows) = custom.split_once(':').expect("W1 … W6b, or SIZES:ROWS");
                let sizes: Vec<_> = sizes.split('-').map(|size| size.parse().expect("a width")).collect();
                work(&sizes, rows.parse().expect("a number of rows"), Step::AdamW, 1)
            }
        }
    }

    /// The floating-point operations of a step's products: two a weight and row for the output, and in training two for
    /// the weight's gradient and two for the input's gradient of every layer but the first.
    pub fn flop(&self) -> f64 {
        let product = |pair: &[usize]| 2.0 * (self.rows * pair[0] * pair[1]) as f64;
        let all: f64 = self.sizes.windows(2).map(product).sum();
        match self.step {
            Step::Forward => all,
            Step::Update { .. } => 0.0,
            _ => 3.0 * all - product(&self.sizes[..2]),
        }
    }

    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// (inputs, outputs) of each layer.
    pub fn layers(&self) -> Vec<(usize, usize)> {
        self.sizes.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// A layer's weight: (outputs, inputs).
    pub fn weight(&self, layer: usize) -> Vec<f32> {
        let (inputs, outputs) = self.layers()[layer];
        uniform(2 * layer, outputs * inputs, bound(inputs))
    }

    /// The same as (inputs, outputs).
    pub fn weight_transposed(&self, layer: usize) -> Vec<f32> {
        let (inputs, outputs) = self.layers()[layer];
        let weight = self.weight(layer);
        (0..inputs).flat_map(|i| (0..outputs).map(move |o| (o, i))).map(|(o, i)| weight[o * inputs + i]).collect()
    }

    /// A layer's bias: (outputs).
    pub fn bias(&self, layer: usize) -> Vec<f32> {
        let (inputs, outputs) = self.layers()[layer];
        uniform(2 * layer + 1, outputs, bound(inputs))
    }

    /// (rows, inputs)
    pub fn x(&self) -> Vec<f32> {
        uniform(100, self.rows * self.inputs(), 1.0)
    }

    /// (rows, outputs)
    pub fn y(&self) -> Vec<f32> {
        uniform(101, self.rows * self.outputs(), 1.0)
    }

    /// A class a row.
    pub fn labels(&self) -> Vec<usize> {
        (0..self.rows as u64).map(|row| (hash(102, row) >> 40) as usize % self.outputs()).collect()
    }

    /// A tensor of an optimizer's step alone.
    pub fn parameter(&self, tensor: usize, len: usize) -> Vec<f32> {
        uniform(1000 + tensor, len, 0.1)
    }

    pub fn gradient(&self, tensor: usize, len: usize) -> Vec<f32> {
        uniform(5000 + tensor, len, 1.0)
    }

    /// What is compared after updates alone: the first tensor against its gradient, along its first thousand elements.
    pub fn updated(&self, parameter: &[f32]) -> f64 {
        let gradient = self.gradient(0, 1000);
        parameter.iter().zip(&gradient).map(|(&p, &g)| f64::from(p) * f64::from(g)).sum()
    }
}

/// What is compared of a forward pass: the mean of the outputs' squares.
pub fn mean_square(output: &[f32]) -> f64 {
    output.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / output.len() as f64
}

fn bound(inputs: usize) -> f32 {
    (1.0 / (inputs as f64).sqrt()) as f32
}

/// splitmix64 of a counter: any language gives element i without those before it.
fn hash(stream: u64, i: u64) -> u64 {
    let mut z = (((stream << 32) | i) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Numbers of [−bound, bound).
fn uniform(stream: usize, len: usize, bound: f32) -> Vec<f32> {
    let unit = |i| (hash(stream as u64, i) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    (0..len as u64).map(|i| unit(i) * bound).collect()
}

/// One peer doing one work.
pub trait Program {
    fn step(&mut self);

    /// The loss of the last step, or what else is compared.
    fn check(&mut self) -> f64;
}

/// The work and the number of threads that the program is asked for.
pub fn asked() -> (Work, usize) {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, work, threads] = &arguments[..] else { panic!("usage: {} WORK THREADS", arguments[0]) };
    (Work::named(work), threads.parse().expect("a number of threads"))
}

/// Answers the driver: first the value to compare and the milliseconds from `main` to the end of the first step; then,
/// for each line with a number of seconds, the median and the least µs a step of as many blocks as fit in them.
pub fn serve(main: Instant, work: &Work, program: &mut dyn Program) {
    program.step();
    let first = main.elapsed();
    let begin = Instant::now();
    (1..work.check).for_each(|_| program.step());
    let mut estimate = if work.check > 1 { begin.elapsed() / (work.check - 1) as u32 } else { first };
    say(&format!("{} {}", program.check(), first.as_secs_f64() * 1e3));

    for line in std::io::stdin().lock().lines() {
        let seconds: f64 = line.expect("text").trim().parse().expect("seconds");
        let mut times = measure(Duration::from_secs_f64(seconds), estimate, program);
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        estimate = Duration::from_secs_f64(median);
        say(&format!("{} {}", median * 1e6, times[0] * 1e6));
    }
}

/// Seconds a step of each block. Where steps are short, a first block warms the caches that others have used meanwhile.
fn measure(budget: Duration, estimate: Duration, program: &mut dyn Program) -> Vec<f64> {
    let block = (budget.as_secs_f64() / 20.0 / estimate.as_secs_f64()).max(1.0) as u32;
    let mut timed = || {
        let begin = Instant::now();
        (0..block).for_each(|_| program.step());
        begin.elapsed().as_secs_f64() / f64::from(block)
    };
    if estimate < budget / 10 {
        timed();
    }
    let begin = Instant::now();
    let mut times = vec![timed()];
    while begin.elapsed() < budget {
        times.push(timed());
    }
    times
}

pub fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("a reader");
}
