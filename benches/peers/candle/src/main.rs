//! candle on its CPU device. It has no Adam with coupled decay, so W1 adds the decay to the gradients itself.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, Sequential, loss, seq};
use std::time::Instant;
use work::{Program, Step, Work};

fn optimizer(work: &Work, vars: Vec<Var>) -> Result<AdamW> {
    let weight_decay = if work.step == Step::Adam { 0.0 } else { work::DECAY };
    let (beta1, beta2) = work::BETAS;
    AdamW::new(vars, ParamsAdamW { lr: work::LR, beta1, beta2, eps: work::EPS, weight_decay })
}

/// A layer's weight and bias.
fn parameters(work: &Work, layer: usize) -> Result<(Tensor, Tensor)> {
    let (inputs, outputs) = work.layers()[layer];
    let weight = Tensor::from_vec(work.weight(layer), (outputs, inputs), &Device::Cpu)?;
    Ok((weight, Tensor::from_vec(work.bias(layer), outputs, &Device::Cpu)?))
}

/// The model whose weights and biases are what `keep` makes of the work's.
fn model(work: &Work, mut keep: impl FnMut(Tensor) -> Result<Tensor>) -> Result<Sequential> {
    let mut model = seq();
    for layer in 0..work.layers().len() {
        if layer > 0 {
            model = model.add(|x: &Tensor| x.relu());
        }
        let (weight, bias) = parameters(work, layer)?;
        model = model.add(Linear::new(keep(weight)?, Some(keep(bias)?)));
    }
    Ok(model)
}

fn x(work: &Work) -> Result<Tensor> {
    Tensor::from_vec(work.x(), (work.rows, work.inputs()), &Device::Cpu)
}

struct Train {
    model: Sequential,
    vars: Vec<Var>,
    optimizer: AdamW,
    coupled: bool,
    loss: fn(&Tensor, &Tensor) -> Result<Tensor>,
    x: Tensor,
    y: Tensor,
    last: Option<Tensor>,
}

impl Train {
    fn new(work: &Work) -> Result<Self> {
        let mut vars = Vec::new();
        let model = model(work, |tensor| {
            let var = Var::from_tensor(&tensor)?;
            vars.push(var.clone());
            Ok(var.into_inner())
        })?;
        let classify = work.step == Step::Classify;
        let y = if classify {
            let labels = work.labels().into_iter().map(|label| label as u32).collect();
            Tensor::from_vec(labels, work.rows, &Device::Cpu)?
        } else {
            Tensor::from_vec(work.y(), (work.rows, work.outputs()), &Device::Cpu)?
        };
        Ok(Self {
            model,
            optimizer: optimizer(work, vars.clone())?,
            vars,
            coupled: work.step == Step::Adam,
            loss: if classify { loss::cross_entropy } else { loss::mse },
            x: x(work)?,
            y,
            last: None,
        })
    }

    fn train(&mut self) -> Result<()> {
        let loss = (self.loss)(&self.model.forward(&self.x)?, &self.y)?;
        let mut grads = loss.backward()?;
        if self.coupled {
            for var in &self.vars {
                let grad = grads.remove(var).expect("reached");
                grads.insert(var, (grad + (var.as_detached_tensor() * work::DECAY)?)?);
            }
        }
        self.optimizer.step(&grads)?;
        self.last = Some(loss);
        Ok(())
    }
}

impl Program for Train {
    fn step(&mut self) {
        self.train().expect("shapes that fit");
    }

    fn check(&mut self) -> f64 {
        let loss = self.last.as_ref().expect("a step before");
        loss.to_scalar::<f32>().expect("a scalar").into()
    }
}

struct Update {
    work: Work,
    first: Var,
    grads: GradStore,
    optimizer: AdamW,
}

impl Update {
    fn new(work: &Work, tensors: usize, len: usize) -> Result<Self> {
        let tensor = |values| Tensor::from_vec(values, len, &Device::Cpu);
        let vars = (0..tensors)
            .map(|number| Var::from_tensor(&tensor(work.parameter(number, len))?))
            .collect::<Result<Vec<_>>>()?;
        // A store of gradients comes from a backward pass only.
        let mut grads = vars[0].sum_all()?.backward()?;
        for (number, var) in vars.iter().enumerate() {
            grads.insert(var, tensor(work.gradient(number, len))?);
        }
        Ok(Self { work: work.clone(), first: vars[0].clone(), grads, optimizer: optimizer(work, vars)? })
    }
}

impl Program for Update {
    fn step(&mut self) {
        self.optimizer.step(&self.grads).expect("shapes that fit");
    }

    fn check(&mut self) -> f64 {
        self.work.updated(&self.first.to_vec1().expect("one axis"))
    }
}

/// Weights that are no variables: nothing is kept for a backward pass.
struct Forward {
    model: Sequential,
    x: Tensor,
    y: Option<Tensor>,
}

impl Program for Forward {
    fn step(&mut self) {
        self.y = Some(self.model.forward(&self.x).expect("shapes that fit"));
    }

    fn check(&mut self) -> f64 {
        let y = self.y.as_ref().expect("a step before");
        work::mean_square(&y.flatten_all().and_then(|y| y.to_vec1()).expect("f32"))
    }
}

fn main() -> Result<()> {
    let main = Instant::now();
    let (work, _threads) = work::asked();
    let mut program: Box<dyn Program> = match work.step {
        Step::Update { tensors, len } => Box::new(Update::new(&work, tensors, len)?),
        Step::Forward => Box::new(Forward { model: model(&work, Ok)?, x: x(&work)?, y: None }),
        _ => Box::new(Train::new(&work)?),
    };
    work::serve(main, &work, &mut *program);
    Ok(())
}
