//! The training steps that are measured: those of [`benches/peers`] that one program can hold.

use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

/// What a workload's output is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Numbers,
    Classes,
}

/// An MLP with ReLU between its layers, trained on `rows` random rows that lie in memory.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub sizes: &'static [usize],
    pub rows: usize,
    pub target: Target,
}

pub const W1: Workload = Workload { name: "W1", sizes: &[10, 5, 2], rows: 64, target: Target::Numbers };
pub const W2: Workload = Workload { name: "W2", sizes: &[32, 128, 128, 1], rows: 64, target: Target::Numbers };
pub const W3: Workload = Workload { name: "W3", sizes: &[784, 512, 256, 10], rows: 128, target: Target::Classes };
pub const W4: Workload = Workload { name: "W4", sizes: &[1024, 4096, 4096, 1024], rows: 512, target: Target::Numbers };

/// A workload with all that a step needs.
#[derive(Debug)]
pub struct Training {
    params: Params<f32>,
    model: Sequential<f32>,
    tape: Tape<f32>,
    grads: Grads<f32>,
    x: Array2<f32>,
    y: Array2<f32>,
    classes: Option<Classes>,
    optimizer: Optimizer<f32, AdamWOptions>,
}

impl Workload {
    /// Two operations a weight and row for the output and for the weight's gradient, and two for the input's gradient
    /// of every layer but the first.
    pub fn flop(&self) -> u64 {
        let product = |pair: &[usize]| 2 * (self.rows * pair[0] * pair[1]) as u64;
        let all: u64 = self.sizes.windows(2).map(product).sum();
        3 * all - product(&self.sizes[..2])
    }

    /// `10-5-2, 64 rows`.
    pub fn shape(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(usize::to_string).collect();
        format!("{}, {} rows", sizes.join("-"), self.rows)
    }

    pub fn build(&self) -> Training {
        let mut rng = Rng::seed_from_u64(1);
        let mut params = Params::new();
        let mut model = Sequential::new();
        for (number, pair) in self.sizes.windows(2).enumerate() {
            if number > 0 {
                model = model.relu();
            }
            model = model.linear(pair[0], pair[1]);
        }
        let model = model.build(params.root(), &mut rng).expect("sizes that fit");
        let outputs = self.sizes[self.sizes.len() - 1];
        let mut draw = |columns| Array2::from_shape_simple_fn((self.rows, columns), || rng.random_range(-1.0_f32..1.0));
        let (x, y) = (draw(self.sizes[0]), draw(outputs));
        let labels: Vec<_> = (0..self.rows).map(|row| row % outputs).collect();
        let classes = (self.target == Target::Classes).then(|| Classes::new(&labels, outputs).expect("good labels"));
        let optimizer = AdamW::new(AdamWOptions::default()).and_then(|adamw| adamw.group(Group::all(&params)));
        let (tape, grads, optimizer) = (Tape::new(), params.grads(), optimizer.expect("good options"));
        Training { params, model, tape, grads, x, y, classes, optimizer }
    }
}

impl Training {
    /// Forward and loss, and what is done with the loss.
    fn run(&mut self, then: impl FnOnce(Var<'_, f32>, &mut Grads<f32>)) {
        let graph = self.tape.record(&self.params);
        let output = self.model.forward(graph.input(&self.x));
        let loss = match &self.classes {
            Some(classes) => output.cross_entropy_loss(classes),
            None => output.mse_loss(graph.input(&self.y)),
        };
        then(loss, &mut self.grads);
    }

    /// Forward and loss.
    pub fn forward(&mut self) {
        self.run(|_, _| {});
    }

    /// Forward, loss and backward.
    pub fn gradient(&mut self) {
        self.run(|loss, grads| loss.backward(grads));
    }

    /// The optimizer's part of a step.
    pub fn update(&mut self) {
        self.optimizer.step(&mut self.params, &self.grads).expect("the same layout");
    }

    /// A whole training step.
    pub fn step(&mut self) {
        self.gradient();
        self.update();
    }
}
