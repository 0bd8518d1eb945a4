//! dfdx on its CPU device: const-generic layers, rows counted at run time, gradients allocated once.

use dfdx::optim::{Adam, WeightDecay};
use dfdx::prelude::*;
use dfdx::tensor_ops::AdamConfig;
use std::time::Instant;
use work::{Program, Step, Work};

type Mlp2<const A: usize, const B: usize, const C: usize> = ((Linear<A, B>, ReLU), Linear<B, C>);
type Mlp3<const A: usize, const B: usize, const C: usize, const D: usize> =
    ((Linear<A, B>, ReLU), (Linear<B, C>, ReLU), Linear<C, D>);

fn config(work: &Work) -> AdamConfig {
    let decay = if work.step == Step::Adam { WeightDecay::L2 } else { WeightDecay::Decoupled };
    let betas = [work::BETAS.0, work::BETAS.1];
    AdamConfig { lr: work::LR, betas, eps: work::EPS, weight_decay: Some(decay(work::DECAY)) }
}

/// A model of the given type, with the work's weights in the layers at the given paths.
macro_rules! model {
    ($model:ty, $work:expr, $dev:expr, $($layer:literal $($path:tt).+),+) => {{
        let mut model = $dev.build_module::<$model, f32>();
        $(model.$($path).+.weight.copy_from(&$work.weight($layer));
        model.$($path).+.bias.copy_from(&$work.bias($layer));)+
        model
    }};
}

/// A program that trains the given model, of so many inputs and outputs, by the given loss towards the given target.
macro_rules! train {
    ($model:ty, $built:expr, $in:literal, $out:literal, $work:expr, $dev:expr, $loss:ident, $target:expr) => {{
        struct Train {
            model: <$model as BuildOnDevice<Cpu, f32>>::Built,
            optimizer: Adam<<$model as BuildOnDevice<Cpu, f32>>::Built, f32, Cpu>,
            grads: Option<Gradients<f32, Cpu>>,
            x: Tensor<(usize, Const<$in>), f32, Cpu>,
            y: Tensor<(usize, Const<$out>), f32, Cpu>,
            loss: Tensor<Rank0, f32, Cpu>,
        }
        impl Program for Train {
            fn step(&mut self) {
                let grads = self.grads.take().expect("given back by the last step");
                let output = self.model.forward(self.x.trace(grads));
                let loss = $loss(output, self.y.clone());
                self.loss = loss.retaped();
                let mut grads = loss.backward();
                self.optimizer.update(&mut self.model, &grads).expect("no unused tensor");
                self.model.zero_grads(&mut grads);
                self.grads = Some(grads);
            }

            fn check(&mut self) -> f64 {
                self.loss.array().into()
            }
        }
        let model = $built;
        Box::new(Train {
            optimizer: Adam::new(&model, config($work)),
            grads: Some(model.alloc_grads()),
            model,
            x: $dev.tensor_from_vec($work.x(), ($work.rows, Const)),
            y: $dev.tensor_from_vec($target, ($work.rows, Const)),
            loss: $dev.zeros(),
        })
    }};
}

fn one_hot(work: &Work) -> Vec<f32> {
    let mut probabilities = vec![0.0; work.rows * work.outputs()];
    for (row, label) in work.labels().into_iter().enumerate() {
        probabilities[row * work.outputs() + label] = 1.0;
    }
    probabilities
}

type Parameters<const TENSORS: usize, const LEN: usize> = Repeated<Tensor<Rank1<LEN>, f32, Cpu>, TENSORS>;

struct Update<const TENSORS: usize, const LEN: usize> {
    work: Work,
    parameters: Parameters<TENSORS, LEN>,
    grads: Gradients<f32, Cpu>,
    optimizer: Adam<Parameters<TENSORS, LEN>, f32, Cpu>,
}

impl<const TENSORS: usize, const LEN: usize> Program for Update<TENSORS, LEN> {
    fn step(&mut self) {
        self.optimizer.update(&mut self.parameters, &self.grads).expect("no unused tensor");
    }

    fn check(&mut self) -> f64 {
        self.work.updated(&self.parameters.modules[0].as_vec())
    }
}

/// A program that updates so many tensors of such a length by gradients set once.
fn update<const TENSORS: usize, const LEN: usize>(work: &Work, dev: &Cpu) -> Box<dyn Program> {
    let tensor = |tensor| dev.tensor_from_vec(work.parameter(tensor, LEN), (Const::<LEN>,));
    let parameters: Parameters<TENSORS, LEN> = Repeated { modules: (0..TENSORS).map(tensor).collect() };
    let mut grads = Gradients::leaky();
    for (number, tensor) in parameters.modules.iter().enumerate() {
        let gradient: &mut Vec<f32> = grads.get_or_alloc_mut(tensor).expect("memory");
        gradient.copy_from_slice(&work.gradient(number, LEN));
    }
    let optimizer = Adam::new(&parameters, config(work));
    Box::new(Update::<TENSORS, LEN> { work: work.clone(), parameters, grads, optimizer })
}

type Tabular = Mlp3<32, 128, 128, 1>;

fn tabular(work: &Work, dev: &Cpu) -> <Tabular as BuildOnDevice<Cpu, f32>>::Built {
    model!(Tabular, work, dev, 0 0.0, 1 1.0, 2 2)
}

struct Forward {
    model: <Tabular as BuildOnDevice<Cpu, f32>>::Built,
    x: Tensor<(usize, Const<32>), f32, Cpu>,
    y: Tensor<(usize, Const<1>), f32, Cpu>,
}

impl Program for Forward {
    fn step(&mut self) {
        self.y = self.model.forward(self.x.clone());
    }

    fn check(&mut self) -> f64 {
        work::mean_square(&self.y.as_vec())
    }
}

type Seed = Mlp2<10, 5, 2>;
type Digits = Mlp3<784, 512, 256, 10>;
type Wide = Mlp3<1024, 4096, 4096, 1024>;

fn main() {
    let main = Instant::now();
    let (work, _threads) = work::asked();
    let (work, dev) = (&work, &Cpu::default());
    let mut program: Box<dyn Program> = match (&work.step, &work.sizes[..]) {
        (Step::Adam, [10, 5, 2]) => {
            train!(Seed, model!(Seed, work, dev, 0 0.0, 1 1), 10, 2, work, dev, mse_loss, work.y())
        }
        (Step::AdamW, [32, 128, 128, 1]) => {
            train!(Tabular, tabular(work, dev), 32, 1, work, dev, mse_loss, work.y())
        }
        (Step::Classify, [784, 512, 256, 10]) => {
            let model = model!(Digits, work, dev, 0 0.0, 1 1.0, 2 2);
            train!(Digits, model, 784, 10, work, dev, cross_entropy_with_logits_loss, one_hot(work))
        }
        (Step::AdamW, [1024, 4096, 4096, 1024]) => {
            let model = model!(Wide, work, dev, 0 0.0, 1 1.0, 2 2);
            train!(Wide, model, 1024, 1024, work, dev, mse_loss, work.y())
        }
        (Step::Update { tensors: 1, .. }, _) => update::<1, 10_000_000>(work, dev),
        (Step::Update { .. }, _) => update::<1000, 1000>(work, dev),
        (Step::Forward, _) => Box::new(Forward {
            model: tabular(work, dev),
            x: dev.tensor_from_vec(work.x(), (work.rows, Const)),
            y: dev.zeros_like(&(work.rows, Const)),
        }),
        _ => panic!("dfdx's widths are set when it's compiled: W1 … W6b only"),
    };
    work::serve(main, work, &mut *program);
}
