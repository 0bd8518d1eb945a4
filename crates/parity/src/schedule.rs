//! `schedule` files: the learning rate at every epoch, read from an optimizer as it steps.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::Params;
use wane_autodiff::ndarray::arr0;
use wane_optim::{
    Anneal, Better, Cyclic, CyclicMode, Group, OneCycle, Plateau, PlateauOptions, Schedule, Sgd, SgdOptions, Threshold,
};

#[derive(Debug, Deserialize)]
struct Trace {
    base_lr: f64,
    scheduler: Spec,
    metrics: Option<Vec<f64>>,
    lrs: Vec<f64>,
}

/// A scheduler under PyTorch's names and with its defaults.
#[derive(Debug, Deserialize)]
#[serde(tag = "name", rename_all_fields = "snake_case", deny_unknown_fields)]
enum Spec {
    #[serde(rename = "ConstantLR")]
    Constant { factor: f64, total_iters: u64 },
    #[serde(rename = "StepLR")]
    Step { step_size: u64, gamma: f64 },
    #[serde(rename = "MultiStepLR")]
    MultiStep { milestones: Vec<u64>, gamma: f64 },
    #[serde(rename = "ExponentialLR")]
    Exponential { gamma: f64 },
    #[serde(rename = "PolynomialLR")]
    Polynomial { total_iters: u64, power: f64 },
    #[serde(rename = "CosineAnnealingLR")]
    Cosine {
        #[serde(rename = "T_max")]
        t_max: u64,
        #[serde(default)]
        eta_min: f64,
    },
    #[serde(rename = "CosineAnnealingWarmRestarts")]
    Restarts {
        #[serde(rename = "T_0")]
        t_0: u64,
        #[serde(rename = "T_mult", default = "one")]
        t_mult: u64,
        #[serde(default)]
        eta_min: f64,
    },
    #[serde(rename = "LinearLR")]
    Linear { start_factor: f64, end_factor: f64, total_iters: u64 },
    #[serde(rename = "OneCycleLR")]
    OneCycle {
        max_lr: f64,
        total_steps: u64,
        pct_start: Option<f64>,
        anneal_strategy: Option<String>,
        div_factor: Option<f64>,
        final_div_factor: Option<f64>,
        #[serde(default)]
        three_phase: bool,
    },
    #[serde(rename = "CyclicLR")]
    Cyclic {
        base_lr: f64,
        max_lr: f64,
        step_size_up: u64,
        step_size_down: Option<u64>,
        mode: String,
        gamma: Option<f64>,
    },
    #[serde(rename = "LambdaLR")]
    Lambda { reciprocal_of_one_plus: f64 },
    #[serde(rename = "SequentialLR")]
    Sequential { schedulers: Vec<Spec>, milestones: Vec<u64> },
    #[serde(rename = "ReduceLROnPlateau")]
    Plateau {
        mode: Option<String>,
        factor: Option<f64>,
        patience: Option<u64>,
        threshold: Option<f64>,
        threshold_mode: Option<String>,
        cooldown: Option<u64>,
        min_lr: Option<f64>,
    },
}

fn one() -> u64 {
    1
}

impl Spec {
    fn schedule(&self) -> Result<Schedule, Failure> {
        Ok(match self {
            &Self::Constant { factor, total_iters } => Schedule::constant_until(factor, total_iters)?,
            &Self::Step { step_size, gamma } => Schedule::step(step_size, gamma)?,
            Self::MultiStep { milestones, gamma } => Schedule::multi_step(milestones, *gamma)?,
            &Self::Exponential { gamma } => Schedule::exponential(gamma)?,
            &Self::Polynomial { total_iters, power } => Schedule::polynomial(total_iters, power)?,
            &Self::Cosine { t_max, eta_min } => Schedule::cosine(t_max, eta_min)?,
            &Self::Restarts { t_0, t_mult, eta_min } => Schedule::cosine_restarts(t_0, t_mult, eta_min)?,
            &Self::Linear { start_factor, end_factor, total_iters } => {
                Schedule::linear(start_factor, end_factor, total_iters)?
            }
            Self::OneCycle {
                max_lr,
                total_steps,
                pct_start,
                anneal_strategy,
                div_factor,
                final_div_factor,
                three_phase,
            } => {
                let defaults = OneCycle::default();
                Schedule::one_cycle(OneCycle {
                    max_lr: *max_lr,
                    total_steps: *total_steps,
                    pct_start: pct_start.unwrap_or(defaults.pct_start),
                    anneal_strategy: choice(anneal_strategy, &[("cos", Anneal::Cos), ("linear", Anneal::Linear)])?,
                    div_factor: div_factor.unwrap_or(defaults.div_factor),
                    final_div_factor: final_div_factor.unwrap_or(defaults.final_div_factor),
                    three_phase: *three_phase,
                })?
            }
            &Self::Cyclic { base_lr, max_lr, step_size_up, step_size_down, ref mode, gamma } => {
                let exp_range = CyclicMode::ExpRange(gamma.unwrap_or(1.0));
                let modes = [
                    ("triangular", CyclicMode::Triangular),
                    ("triangular2", CyclicMode::Triangular2),
                    ("exp_range", exp_range),
                ];
                let mode = choice(&Some(mode.clone()), &modes)?;
                Schedule::cyclic(Cyclic { base_lr, max_lr, step_size_up, step_size_down, mode })?
            }
            &Self::Lambda { reciprocal_of_one_plus } => {
                Schedule::lambda(move |t| 1.0 / (1.0 + reciprocal_of_one_plus * t as f64))
            }
            Self::Sequential { schedulers, milestones } => {
                let schedules = schedulers.iter().map(Self::schedule).collect::<Result<_, _>>()?;
                Schedule::sequential(schedules, milestones)?
            }
            Self::Plateau { .. } => return Err("a plateau depends on metrics, and is no part of a sequence".into()),
        })
    }

    fn plateau(&self) -> Result<Option<Plateau>, Failure> {
        let Self::Plateau { mode, factor, patience, threshold, threshold_mode, cooldown, min_lr } = self else {
            return Ok(None);
        };
        let defaults = PlateauOptions::default();
        Ok(Some(Plateau::new(PlateauOptions {
            mode: choice(mode, &[("min", Better::Min), ("max", Better::Max)])?,
            factor: factor.unwrap_or(defaults.factor),
            patience: patience.unwrap_or(defaults.patience),
            threshold: threshold.unwrap_or(defaults.threshold),
            threshold_mode: choice(threshold_mode, &[("rel", Threshold::Rel), ("abs", Threshold::Abs)])?,
            cooldown: cooldown.unwrap_or(defaults.cooldown),
            min_lr: min_lr.unwrap_or(defaults.min_lr),
            eps: defaults.eps,
        })?))
    }
}

/// The choice of a name; the first is the default.
fn choice<C: Copy>(name: &Option<String>, choices: &[(&str, C)]) -> Result<C, Failure> {
    let Some(name) = name else { return Ok(choices[0].1) };
    let found = choices.iter().find(|(known, _)| known == name);
    found.map(|&(_, choice)| choice).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
        format!("{name:?} is not known, only {}", known.join(", ")).into()
    })
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let trace: Trace = serde_json::from_value(file)?;
    crate::tensor::not_empty("lrs", &trace.lrs)?;
    let mut params = Params::<f64>::new();
    params.root().add("weight", &arr0(0.0))?;
    let options = SgdOptions { lr: trace.base_lr, ..Default::default() };
    let mut optimizer = Sgd::<f64>::new(options)?.group(Group::all(&params))?;
    let mut difference = Difference::new(Tolerance { relative: 1e-12, absolute: 0.0 });
    if let Some(mut plateau) = trace.scheduler.plateau()? {
        let metrics = trace.metrics.ok_or("a plateau without metrics")?;
        crate::tensor::same_length("metrics", metrics.len(), trace.lrs.len())?;
        for (metric, &reference) in metrics.into_iter().zip(&trace.lrs) {
            difference.add(optimizer.groups()[0].lr(), reference);
            plateau.step(metric, &mut optimizer)?;
        }
    } else {
        optimizer = optimizer.schedule(trace.scheduler.schedule()?)?;
        for &reference in &trace.lrs {
            difference.add(optimizer.groups()[0].lr(), reference);
            optimizer.advance()?;
        }
    }
    Ok(difference)
}
