use super::{Estimator, Predict, numbers};
use crate::Workspace;
use ndarray::{Array2, ArrayView2, arr0};
use std::ops::Range;
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Activation, Error, Params, Rng, Tape, non_negative};
use wane_data::{Batches, Dataset};
use wane_layers::{Init, Module, Sequential};
use wane_optim::{Adam, AdamOptions, Decay, Group};

/// A multi-layer perceptron for numbers (scikit-learn's `MLPRegressor` with `solver="adam"`).
///
/// Of a batch of n rows it takes Adam's step on 1/(2n) ‖y − ŷ‖² + alpha/(2n) Σ‖W‖², W being the weights without biases,
/// for `epochs` passes over the rows, and doesn't stop before. Weights and biases start uniform in ±√(6/(in + out)),
/// ±√(2/(in + out)) with [`Activation::Sigmoid`].
///
/// Data should be near mean 0 and deviation 1: [`Scaled`](crate::Scaled).
#[derive(Clone, Debug, PartialEq)]
pub struct MlpRegressor {
    /// The widths of the hidden layers (`hidden_layer_sizes`); none is a linear model.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// The strength of the L2 penalty that is part of the loss, finite and ≥ 0.
    pub alpha: f64,
    /// The strength of [`AdamW`](wane_optim::AdamW)'s decoupled decay of the weights, finite and ≥ 0; scikit-learn has none.
    pub weight_decay: f64,
    /// Adam's learning rate (`learning_rate_init`), finite and ≥ 0.
    pub lr: f64,
    /// Adam's β₁ and β₂ (`beta_1`, `beta_2`), each at least 0 and below 1.
    pub betas: (f64, f64),
    /// What Adam adds to the root (`epsilon`), finite and ≥ 0. wane's root is the corrected one, as PyTorch's is.
    pub eps: f64,
    /// How many rows a step takes, at least 1; all if there are fewer.
    pub batch_size: usize,
    /// How often the rows are passed over (`max_iter`).
    pub epochs: usize,
    /// Whether each pass has an order of its own.
    pub shuffle: bool,
}

impl Default for MlpRegressor {
    /// scikit-learn's defaults.
    fn default() -> Self {
        Self {
            hidden: vec![100],
            activation: Activation::Relu,
            alpha: 1e-4,
            weight_decay: 0.0,
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            batch_size: 200,
            epochs: 200,
            shuffle: true,
        }
    }
}

/// A network that was fitted.
#[derive(Debug)]
pub struct MlpModel {
    model: Sequential<f64>,
    params: Params<f64>,
}

impl MlpModel {
    /// Layers and weights: to save, or to train on.
    pub fn into_parts(self) -> (Sequential<f64>, Params<f64>) {
        (self.model, self.params)
    }
}

impl Predict for MlpModel {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        self.model.predict(&self.params, x)
    }
}

impl Estimator for MlpRegressor {
    type Model = MlpModel;

    fn fit(&self, train: &Dataset<f64>, rng: &mut Rng, workspace: &mut Workspace) -> Result<MlpModel, Error> {
        let (mut params, y) = (Params::new(), numbers(train)?);
        let model = self.network(&mut params, train.x().ncols(), y.ncols(), rng)?;
        self.train(&model, &mut params, train, rng, workspace)?;
        Ok(MlpModel { model, params })
    }
}

impl MlpRegressor {
    fn train(
        &self,
        model: &Sequential<f64>,
        params: &mut Params<f64>,
        data: &Dataset<f64>,
        rng: &mut Rng,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let (mut adam, decayed) = self.optimizer(params)?;
        let mut grads = params.grads();
        let mut batches = Batches::new(data, self.batch_size)?;
        let tape = workspace.of::<Tape<f64>>();
        // The gradient of 1/(2n) ‖y − ŷ‖², from that of the mean over rows and outputs.
        let half = arr0(0.5 * data.y().ncols() as f64);
        for _ in 0..self.epochs {
            let mut epoch = if self.shuffle { batches.epoch(rng) } else { batches.sequential() };
            while let Some(batch) = epoch.next() {
                let graph = tape.record(params);
                let loss = model.forward(graph.input(&batch.x())).mse_loss(graph.input(&batch.y()));
                loss.backward_from(&half, &mut grads);
                let strength = self.alpha / batch.x().nrows() as f64;
                if strength > 0.0 {
                    for range in &decayed {
                        let (g, w) = (&mut grads.as_mut_slice()[range.clone()], &params.as_slice()[range.clone()]);
                        vectorized(Shrink { g, w, strength });
                    }
                }
                adam.step(params, &grads)?;
            }
        }
        match params.as_slice().iter().find(|weight| !weight.is_finite()) {
            Some(weight) => Err(Error::data("weight after training", weight, "a finite number: a smaller lr may do")),
            None => Ok(()),
        }
    }

    fn network(
        &self,
        params: &mut Params<f64>,
        inputs: usize,
        outputs: usize,
        rng: &mut Rng,
    ) -> Result<Sequential<f64>, Error> {
        let (mut layers, mut widths) = (Sequential::new(), vec![inputs]);
        for &width in &self.hidden {
            layers = layers.linear(widths[widths.len() - 1], width).activation(self.activation);
            widths.push(width);
        }
        let model = layers.linear(widths[widths.len() - 1], outputs).build(params.root(), rng)?;
        widths.push(outputs);
        let square = if self.activation == Activation::Sigmoid { 2.0 } else { 6.0 };
        // A layer's weight, and its bias.
        for (layer, pair) in params.ids().chunks(2).zip(widths.windows(2)) {
            let bound = (square / (pair[0] + pair[1]) as f64).sqrt();
            layer.iter().try_for_each(|&id| Init::Uniform(-bound, bound).apply(params, id, rng))?;
        }
        Ok(model)
    }

    /// Adam, and where the weights lie that decay.
    fn optimizer(&self, params: &Params<f64>) -> Result<(Adam<f64>, Vec<Range<usize>>), Error> {
        non_negative("alpha", self.alpha)?;
        let (weights, biases) = params.partition(|param| param.rank() > 1);
        let options = AdamOptions { lr: self.lr, betas: self.betas, eps: self.eps, ..Default::default() };
        let decay = Decay::decoupled(self.weight_decay)?;
        let adam = Adam::new(options)?.group(Group::new(&weights).decay(decay))?.group(Group::new(&biases))?;
        let ranges = weights.iter().map(|&id| Ok(params.layout().entry(id)?.range()));
        Ok((adam, ranges.collect::<Result<_, Error>>()?))
    }
}

/// g ← g + strength·w.
struct Shrink<'a> {
    g: &'a mut [f64],
    w: &'a [f64],
    strength: f64,
}

impl Kernel for Shrink<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.g.iter_mut().zip(self.w).for_each(|(g, &w)| *g += self.strength * w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use rand::SeedableRng;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct File {
        networks: Vec<Network>,
    }

    #[derive(Deserialize)]
    struct Network {
        activation: String,
        hidden: Vec<usize>,
        alpha: f64,
        batch_size: usize,
        x: Vec<Vec<f64>>,
        y: Vec<Vec<f64>>,
        start: Vec<[Vec<f64>; 2]>,
        prediction: Vec<Vec<f64>>,
    }

    fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
    }

    #[test]
    fn networks_are_those_of_scikit_learn() {
        let file: File = serde_json::from_str(include_str!("../../tests/data/sklearn.json")).unwrap();
        for network in file.networks {
            let regressor = MlpRegressor {
                hidden: network.hidden,
                activation: match network.activation.as_str() {
                    "tanh" => Activation::Tanh,
                    "logistic" => Activation::Sigmoid,
                    _ => Activation::Relu,
                },
                alpha: network.alpha,
                batch_size: network.batch_size,
                lr: 0.01,
                epochs: 30,
                eps: 1e-300,
                shuffle: false,
                ..Default::default()
            };
            let data = Dataset::new(matrix(&network.x), matrix(&network.y)).unwrap();
            let (mut params, mut rng) = (Params::new(), Rng::seed_from_u64(0));
            let model = regressor.network(&mut params, 4, data.y().ncols(), &mut rng).unwrap();
            let start = Array1::from_iter(network.start.iter().flatten().flatten().copied());
            params.as_mut_slice().copy_from_slice(start.as_slice().unwrap());
            regressor.train(&model, &mut params, &data, &mut rng, &mut Workspace::default()).unwrap();
            let prediction = model.predict(&params, data.x()).unwrap();
            let off = (&prediction - &matrix(&network.prediction)).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(off < 1e-12, "{}: {off:e}", network.activation);
        }
    }
}
