//! PyTorch's documented algorithms for a single weight, in plain f64 equations.

use wane_autodiff::Float;
use wane_optim::{AdagradOptions, AdamOptions, AdamWOptions, DecayKind, RmsPropOptions, Rule, SgdOptions};

/// One weight and everything an optimizer remembers of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    pub(crate) theta: f64,
    /// The learning rate that its group began with.
    initial_lr: f64,
    momentum_buffer: Option<f64>,
    exp_avg: f64,
    exp_avg_sq: f64,
    max_exp_avg_sq: f64,
    square_avg: f64,
    grad_avg: f64,
    sum: f64,
    step: i32,
}

impl Weight {
    pub(crate) fn new<T: Float>(theta: T, initial_lr: f64) -> Self {
        Self { theta: theta.widen(), initial_lr, ..Self::default() }
    }

    /// The gradient that goes into the moments, after either kind of decay.
    fn decay(&mut self, g: f64, maximize: bool, kind: DecayKind, lr: f64, lambda: f64) -> f64 {
        let g = if maximize { -g } else { g };
        match kind {
            DecayKind::Coupled => g + lambda * self.theta,
            DecayKind::Decoupled => {
                self.theta -= lr * lambda * self.theta;
                g
            }
            DecayKind::FullyDecoupled => {
                self.theta -= lr / self.initial_lr * lambda * self.theta;
                g
            }
            other => panic!("no reference for {other:?}"),
        }
    }

    fn sgd(&mut self, o: &SgdOptions, kind: DecayKind, g: f64) {
        let g = self.decay(g, o.maximize, kind, o.lr, o.weight_decay);
        let step = if o.momentum == 0.0 {
            g
        } else {
            let b = self.momentum_buffer.map_or(g, |b| o.momentum * b + (1.0 - o.dampening) * g);
            self.momentum_buffer = Some(b);
            if o.nesterov { g + o.momentum * b } else { b }
        };
        self.theta -= o.lr * step;
    }

    fn adam(&mut self, o: &AdamOptions, kind: DecayKind, g: f64) {
        let g = self.decay(g, o.maximize, kind, o.lr, o.weight_decay);
        let (beta1, beta2) = o.betas;
        self.step += 1;
        self.exp_avg = beta1 * self.exp_avg + (1.0 - beta1) * g;
        self.exp_avg_sq = beta2 * self.exp_avg_sq + (1.0 - beta2) * g * g;
        let mut v = self.exp_avg_sq;
        if o.amsgrad {
            self.max_exp_avg_sq = self.max_exp_avg_sq.max(v);
            v = self.max_exp_avg_sq;
        }
        let m_hat = self.exp_avg / (1.0 - beta1.powi(self.step));
        let v_hat = v / (1.0 - beta2.powi(self.step));
        self.theta -= o.lr * m_hat / (v_hat.sqrt() + o.eps);
    }

    fn rmsprop(&mut self, o: &RmsPropOptions, kind: DecayKind, g: f64) {
        let g = self.decay(g, o.maximize, kind, o.lr, o.weight_decay);
        self.step += 1;
        self.square_avg = o.alpha * self.square_avg + (1.0 - o.alpha) * g * g;
        let mut v = self.square_avg;
        if o.centered {
            self.grad_avg = o.alpha * self.grad_avg + (1.0 - o.alpha) * g;
            v -= self.grad_avg * self.grad_avg;
        }
        let step = g / (v.sqrt() + o.eps);
        if o.momentum == 0.0 {
            self.theta -= o.lr * step;
        } else {
            let b = o.momentum * self.momentum_buffer.unwrap_or(0.0) + step;
            self.momentum_buffer = Some(b);
            self.theta -= o.lr * b;
        }
    }

    fn adagrad(&mut self, o: &AdagradOptions, kind: DecayKind, g: f64) {
        let g = self.decay(g, o.maximize, kind, o.lr, o.weight_decay);
        if self.step == 0 {
            self.sum = o.initial_accumulator_value;
        }
        self.step += 1;
        self.sum += g * g;
        self.theta -= o.lr / (1.0 + f64::from(self.step - 1) * o.lr_decay) * g / (self.sum.sqrt() + o.eps);
    }
}

/// A rule with a reference.
pub(crate) trait Documented: Rule {
    /// One step of one weight.
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64);

    /// What the state that these options use should hold, by name.
    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)>;
}

impl Documented for SgdOptions {
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64) {
        weight.sgd(self, kind, g);
    }

    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)> {
        let used = weight.momentum_buffer.filter(|_| self.momentum != 0.0);
        used.map(|b| ("momentum_buffer", b)).into_iter().collect()
    }
}

impl Documented for AdamOptions {
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64) {
        weight.adam(self, kind, g);
    }

    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)> {
        if weight.step == 0 {
            return Vec::new();
        }
        let mut buffers = vec![("exp_avg", weight.exp_avg), ("exp_avg_sq", weight.exp_avg_sq)];
        buffers.extend(self.amsgrad.then_some(("max_exp_avg_sq", weight.max_exp_avg_sq)));
        buffers
    }
}

impl Documented for AdamWOptions {
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64) {
        weight.adam(&(*self).into(), kind, g);
    }

    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)> {
        AdamOptions::from(*self).buffers(weight)
    }
}

impl Documented for RmsPropOptions {
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64) {
        weight.rmsprop(self, kind, g);
    }

    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)> {
        if weight.step == 0 {
            return Vec::new();
        }
        let mut buffers = vec![("square_avg", weight.square_avg)];
        buffers.extend(weight.momentum_buffer.filter(|_| self.momentum != 0.0).map(|b| ("momentum_buffer", b)));
        buffers.extend(self.centered.then_some(("grad_avg", weight.grad_avg)));
        buffers
    }
}

impl Documented for AdagradOptions {
    fn advance(&self, weight: &mut Weight, kind: DecayKind, g: f64) {
        weight.adagrad(self, kind, g);
    }

    fn buffers(&self, weight: &Weight) -> Vec<(&'static str, f64)> {
        if weight.step == 0 { Vec::new() } else { vec![("sum", weight.sum)] }
    }
}
