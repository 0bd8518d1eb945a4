//! burn on its flex backend, with all that its documentation names for speed on a CPU.

use burn::module::Param;
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::relu;
use std::time::Instant;
use work::{Program, Step, Work};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(work: &Work, device: &Device) -> Self {
        let layer = |(number, (inputs, outputs))| {
            let mut linear = LinearConfig::new(inputs, outputs).init(device);
            let weight = TensorData::new(work.weight_transposed(number), [inputs, outputs]);
            let bias = TensorData::new(work.bias(number), [outputs]);
            linear.weight = Param::from_data(weight, device);
            linear.bias = Some(Param::from_data(bias, device));
            linear
        };
        Self { layers: work.layers().into_iter().enumerate().map(layer).collect() }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.layers.iter().enumerate().fold(x, |x, (number, layer)| {
            let x = if number > 0 { relu(x) } else { x };
            layer.forward(x)
        })
    }
}

fn optimizer(work: &Work) -> ModuleOptimizer {
    let (beta_1, beta_2) = (work::BETAS.0 as f32, work::BETAS.1 as f32);
    let (eps, decay) = (work::EPS as f32, work::DECAY as f32);
    if work.step == Step::Adam {
        let config = AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(eps);
        config.with_weight_decay(Some(WeightDecayConfig::new(decay))).init()
    } else {
        let config = AdamWConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(eps);
        config.with_weight_decay(decay).init()
    }
}

fn x(work: &Work, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(work.x(), [work.rows, work.inputs()]), device)
}

enum Target {
    Values(Tensor<2>),
    Classes(Tensor<1, Int>),
}

struct Train {
    /// Taken by each optimizer's step, and given back.
    model: Option<Mlp>,
    optimizer: ModuleOptimizer,
    device: Device,
    x: Tensor<2>,
    target: Target,
    loss: Option<Tensor<1>>,
}

impl Train {
    fn new(work: &Work, device: Device) -> Self {
        let target = if work.step == Step::Classify {
            let labels: Vec<_> = work.labels().into_iter().map(|label| label as i64).collect();
            Target::Classes(Tensor::from_data(TensorData::new(labels, [work.rows]), &device))
        } else {
            Target::Values(Tensor::from_data(TensorData::new(work.y(), [work.rows, work.outputs()]), &device))
        };
        let (model, x) = (Some(Mlp::new(work, &device)), x(work, &device));
        Self { model, optimizer: optimizer(work), device, x, target, loss: None }
    }
}

impl Program for Train {
    fn step(&mut self) {
        let model = self.model.take().expect("given back by the last step");
        let output = model.forward(self.x.clone());
        let loss = match &self.target {
            Target::Values(y) => MseLoss::new().forward(output, y.clone(), Reduction::Mean),
            Target::Classes(labels) => CrossEntropyLossConfig::new().init(&self.device).forward(output, labels.clone()),
        };
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(work::LR, model, grads));
        self.loss = Some(loss);
    }

    fn check(&mut self) -> f64 {
        self.loss.take().expect("a step before").into_scalar::<f32>().into()
    }
}

#[derive(Module, Debug)]
struct Parameters {
    tensors: Vec<Param<Tensor<1>>>,
}

struct Update {
    work: Work,
    parameters: Option<Parameters>,
    gradients: Vec<Tensor<1>>,
    optimizer: ModuleOptimizer,
}

impl Update {
    fn new(work: &Work, tensors: usize, len: usize, device: &Device) -> Self {
        let data = |values| TensorData::new(values, [len]);
        let parameter = |number| Param::from_data(data(work.parameter(number, len)), device);
        // Gradients are tensors outside of the graph.
        let gradient = |number| Tensor::<1>::from_data(data(work.gradient(number, len)), device).inner();
        Self {
            work: work.clone(),
            parameters: Some(Parameters { tensors: (0..tensors).map(parameter).collect() }),
            gradients: (0..tensors).map(gradient).collect(),
            optimizer: optimizer(work),
        }
    }
}

impl Program for Update {
    fn step(&mut self) {
        let parameters = self.parameters.take().expect("given back by the last step");
        let mut grads = GradientsParams::new();
        for (parameter, gradient) in parameters.tensors.iter().zip(&self.gradients) {
            grads.register(parameter.id, gradient.clone());
        }
        self.parameters = Some(self.optimizer.step(work::LR, parameters, grads));
    }

    fn check(&mut self) -> f64 {
        let parameters = self.parameters.as_ref().expect("given back by the last step");
        self.work.updated(&values(parameters.tensors[0].val()))
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32")
}

struct Forward {
    model: Mlp,
    x: Tensor<2>,
    y: Option<Tensor<2>>,
}

impl Program for Forward {
    fn step(&mut self) {
        self.y = Some(self.model.forward(self.x.clone()));
    }

    fn check(&mut self) -> f64 {
        work::mean_square(&values(self.y.take().expect("a step before")))
    }
}

fn main() {
    let main = Instant::now();
    let (work, _threads) = work::asked();
    let device = Device::flex();
    let mut program: Box<dyn Program> = match work.step {
        Step::Update { tensors, len } => Box::new(Update::new(&work, tensors, len, &device.autodiff())),
        Step::Forward => Box::new(Forward { model: Mlp::new(&work, &device).valid(), x: x(&work, &device), y: None }),
        _ => Box::new(Train::new(&work, device.autodiff())),
    };
    work::serve(main, &work, &mut *program);
}
