//! `optimizer` files, and optimizers made from their description.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{Named, Tensor, not_empty, same_length, same_shape};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use wane_autodiff::{Error, Float, Grads, Params};
use wane_optim::{AdagradOptions, AdamOptions, AdamWOptions, Group, Optimizer, RmsPropOptions, Rule, SgdOptions};

#[derive(Debug, Deserialize)]
pub(crate) struct Spec {
    name: String,
    defaults: Map<String, Value>,
    #[serde(default)]
    groups: Vec<GroupSpec>,
}

#[derive(Debug, Deserialize)]
struct GroupSpec {
    params: Vec<String>,
    #[serde(flatten)]
    overrides: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Trace {
    dtype: String,
    optimizer: Spec,
    #[serde(default)]
    lr_at_step: BTreeMap<usize, f64>,
    params: Vec<Named>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    grads: Vec<Option<Tensor>>,
    params: Vec<Tensor>,
}

/// An optimizer whose kind a file chose.
pub(crate) trait AnyOptimizer<T: Float> {
    fn step(&mut self, params: &mut Params<T>, grads: &Grads<T>) -> Result<(), Error>;
    fn set_lr(&mut self, lr: f64) -> Result<(), Error>;
}

impl<T: Float, R: Rule> AnyOptimizer<T> for Optimizer<T, R> {
    fn step(&mut self, params: &mut Params<T>, grads: &Grads<T>) -> Result<(), Error> {
        self.step(params, grads)
    }

    fn set_lr(&mut self, lr: f64) -> Result<(), Error> {
        self.set_lr(lr)
    }
}

/// Options that can be set under PyTorch's names.
trait Settable: Rule + Default {
    /// Sets one option; `None` if there is none of this name, or of another type.
    fn set(&mut self, name: &str, value: &Value) -> Option<()>;
}

impl Settable for SgdOptions {
    fn set(&mut self, name: &str, value: &Value) -> Option<()> {
        match name {
            "lr" => self.lr = value.as_f64()?,
            "momentum" => self.momentum = value.as_f64()?,
            "dampening" => self.dampening = value.as_f64()?,
            "weight_decay" => self.weight_decay = value.as_f64()?,
            "nesterov" => self.nesterov = value.as_bool()?,
            "maximize" => self.maximize = value.as_bool()?,
            _ => return None,
        }
        Some(())
    }
}

/// Adam and AdamW have the same options under two types.
macro_rules! settable_adam {
    ($($options:ty),*) => {$(
        impl Settable for $options {
            fn set(&mut self, name: &str, value: &Value) -> Option<()> {
                match name {
                    "lr" => self.lr = value.as_f64()?,
                    "betas" => self.betas = (value.get(0)?.as_f64()?, value.get(1)?.as_f64()?),
                    "eps" => self.eps = value.as_f64()?,
                    "weight_decay" => self.weight_decay = value.as_f64()?,
                    "amsgrad" => self.amsgrad = value.as_bool()?,
                    "maximize" => self.maximize = value.as_bool()?,
                    _ => return None,
                }
                Some(())
            }
        }
    )*};
}

settable_adam!(AdamOptions, AdamWOptions);

impl Settable for RmsPropOptions {
    fn set(&mut self, name: &str, value: &Value) -> Option<()> {
        match name {
            "lr" => self.lr = value.as_f64()?,
            "alpha" => self.alpha = value.as_f64()?,
            "eps" => self.eps = value.as_f64()?,
            "weight_decay" => self.weight_decay = value.as_f64()?,
            "momentum" => self.momentum = value.as_f64()?,
            "centered" => self.centered = value.as_bool()?,
            "maximize" => self.maximize = value.as_bool()?,
            _ => return None,
        }
        Some(())
    }
}

impl Settable for AdagradOptions {
    fn set(&mut self, name: &str, value: &Value) -> Option<()> {
        match name {
            "lr" => self.lr = value.as_f64()?,
            "lr_decay" => self.lr_decay = value.as_f64()?,
            "weight_decay" => self.weight_decay = value.as_f64()?,
            "initial_accumulator_value" => self.initial_accumulator_value = value.as_f64()?,
            "eps" => self.eps = value.as_f64()?,
            "maximize" => self.maximize = value.as_bool()?,
            _ => return None,
        }
        Some(())
    }
}

impl Spec {
    pub(crate) fn build<T: Float>(&self, params: &Params<T>) -> Result<Box<dyn AnyOptimizer<T>>, Failure> {
        match self.name.as_str() {
            "sgd" => self.build_as::<T, SgdOptions>(params),
            "adam" => self.build_as::<T, AdamOptions>(params),
            "adamw" => self.build_as::<T, AdamWOptions>(params),
            "rmsprop" => self.build_as::<T, RmsPropOptions>(params),
            "adagrad" => self.build_as::<T, AdagradOptions>(params),
            other => Err(format!("optimizer {other:?} is not known").into()),
        }
    }

    fn build_as<T: Float, R: Settable>(&self, params: &Params<T>) -> Result<Box<dyn AnyOptimizer<T>>, Failure> {
        let mut defaults = R::default();
        set_all(&mut defaults, &self.defaults)?;
        let mut optimizer = Optimizer::<T, R>::new(defaults)?;
        if self.groups.is_empty() {
            return Ok(Box::new(optimizer.group(Group::all(params))?));
        }
        for spec in &self.groups {
            let ids = spec.params.iter().map(|name| params.id(name)).collect::<Result<Vec<_>, _>>()?;
            set_all(&mut R::default(), &spec.overrides)?;
            let overrides = spec.overrides.clone();
            optimizer = optimizer.group(Group::new(&ids).with(move |options: &mut R| {
                set_all(options, &overrides).expect("tried on the defaults");
            }))?;
        }
        Ok(Box::new(optimizer))
    }
}

fn set_all<R: Settable>(options: &mut R, settings: &Map<String, Value>) -> Result<(), Failure> {
    settings.iter().try_for_each(|(name, value)| {
        options.set(name, value).ok_or_else(|| format!("{} has no option {name:?} of {value}", R::NAME).into())
    })
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let trace: Trace = serde_json::from_value(file)?;
    match trace.dtype.as_str() {
        "float64" => trace.replay::<f64>(Tolerance { relative: 1e-14, absolute: 1e-15 }),
        "float32" => trace.replay::<f32>(Tolerance { relative: 1e-6, absolute: 1e-7 }),
        other => Err(format!("dtype {other:?} is not known").into()),
    }
}

impl Trace {
    fn replay<T: Float>(&self, tolerance: Tolerance) -> Result<Difference, Failure> {
        not_empty("steps", &self.steps)?;
        if let Some(step) = self.lr_at_step.keys().find(|&&step| step >= self.steps.len()) {
            return Err(format!("lr_at_step {step}: there are {} steps", self.steps.len()).into());
        }
        let mut params = Params::<T>::new();
        for named in &self.params {
            params.root().add(&named.name, &named.tensor.array()?)?;
        }
        let mut optimizer = self.optimizer.build(&params)?;
        let (mut grads, mut difference) = (params.grads(), Difference::new(tolerance));
        for (number, step) in self.steps.iter().enumerate() {
            if let Some(&lr) = self.lr_at_step.get(&number) {
                optimizer.set_lr(lr)?;
            }
            same_length("gradients of a step", step.grads.len(), params.len())?;
            grads.clear();
            for (id, grad) in params.ids().into_iter().zip(&step.grads) {
                if let Some(grad) = grad {
                    grads.set(id, &grad.array()?)?;
                }
            }
            optimizer.step(&mut params, &grads)?;
            same_length("parameters of a step", step.params.len(), params.len())?;
            for (param, reference) in params.iter().zip(&step.params) {
                same_shape(param.name, param.shape.dims(), reference)?;
                difference.add_all(param.values.iter().map(|value| value.widen()), &reference.data);
            }
        }
        Ok(difference)
    }
}
