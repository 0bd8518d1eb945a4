use crate::{Metric, TrainerOptions};
use std::fmt::Write;
use wane_autodiff::{Error, Params, number};

/// What [`PathTrainer::fit`](crate::PathTrainer::fit) has found: a point for each λ, with the weights it came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrainedPath<T> {
    /// Which metrics the points have, in their order.
    pub metrics: Vec<Metric>,
    /// The linear layers whose neurons were counted, by their numbers: those with nothing but activations up to the next one.
    pub layers: Vec<usize>,
    /// The layers that can't be looked into, by number and kind, as in
    /// [`ShrinkReport::untouched`](wane_layers::ShrinkReport::untouched).
    pub untouched: Vec<(usize, String)>,
    /// At least one, in the order of training.
    pub points: Vec<PathPoint<T>>,
}

/// One λ of a [`TrainedPath`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PathPoint<T> {
    /// The strength of the penalty.
    pub lambda: f64,
    /// How many epochs it took.
    pub epochs: usize,
    /// The mean training loss a row, without the penalty, after the last step.
    pub train_loss: f64,
    /// The mean validation loss a row.
    pub validation_loss: f64,
    /// The metrics of the validation rows.
    pub validation_metrics: Vec<f64>,
    /// How many weights are exactly zero.
    pub zeros: usize,
    /// The columns of x that something still depends on; all of them, where one of [`TrainedPath::untouched`] comes before the
    /// first linear layer.
    pub features: Vec<usize>,
    /// How many neurons still count in each of [`TrainedPath::layers`]: something goes in, and something comes out.
    pub neurons: Vec<usize>,
    /// The weights.
    pub params: Params<T>,
}

impl<T> TrainedPath<T> {
    pub(crate) fn new(options: &TrainerOptions) -> Self {
        Self { metrics: options.metrics.clone(), layers: Vec::new(), untouched: Vec::new(), points: Vec::new() }
    }

    /// The point of a λ.
    ///
    /// # Errors
    /// A λ that the path has no point of.
    pub fn at(&self, lambda: f64) -> Result<&PathPoint<T>, Error> {
        self.points.iter().find(|point| point.lambda == lambda).ok_or_else(|| {
            let lambdas: Vec<_> = self.points.iter().map(|point| number(point.lambda)).collect();
            Error::option("lambda", number(lambda), format!("one of the path's: {}", lambdas.join(", ")))
        })
    }

    /// The point with the least validation loss, a NaN being never less; of equals, the one with the fewest features, and then the most zeros.
    pub fn best(&self) -> &PathPoint<T> {
        self.sparsest_within(0.0).expect("0 is a tolerance")
    }

    /// The sparsest point that is nearly as good as the best: with the fewest features, and then the most zeros, among those
    /// whose validation loss is above the least by at most `tolerance` times its size. A NaN is never near; if all are NaN,
    /// the first.
    ///
    /// A penalty also shrinks the weights that it keeps, so that the point with the least loss keeps more features than
    /// there is need for (Meinshausen and Bühlmann 2006); a tolerance of a few hundredths leaves most of them out.
    ///
    /// # Errors
    /// A tolerance that is negative, NaN or infinite.
    pub fn sparsest_within(&self, tolerance: f64) -> Result<&PathPoint<T>, Error> {
        let tolerance = wane_autodiff::non_negative("tolerance", tolerance)?;
        let least = self.points.iter().map(|point| point.validation_loss).fold(f64::INFINITY, f64::min);
        // A loss may be below 0, and 0·∞ is no bound.
        let bound = (least + tolerance * least.abs()).max(least);
        let near = self.points.iter().filter(|point| point.validation_loss <= bound);
        let sparsest = near.min_by_key(|point| (point.features.len(), std::cmp::Reverse(point.zeros)));
        let sparsest = sparsest.or(self.points.first());
        Ok(sparsest.expect("a path has a point"))
    }

    /// A table with one line a λ under a line of names: `lambda,epochs,train_loss,validation_loss,validation_<metric>…,
    /// zeros,features,neurons_<layer>…`. Numbers are written so that reading gives the same bits.
    pub fn to_csv(&self) -> String {
        let mut csv = String::from("lambda,epochs,train_loss,validation_loss");
        self.metrics.iter().for_each(|metric| csv += &format!(",validation_{metric}"));
        csv += ",zeros,features";
        self.layers.iter().for_each(|layer| csv += &format!(",neurons_{layer}"));
        csv += "\n";
        for point in &self.points {
            let PathPoint { lambda, epochs, train_loss, validation_loss, zeros, .. } = point;
            let written = write!(csv, "{lambda:?},{epochs},{train_loss:?},{validation_loss:?}")
                .and_then(|()| point.validation_metrics.iter().try_for_each(|metric| write!(csv, ",{metric:?}")))
                .and_then(|()| write!(csv, ",{zeros},{}", point.features.len()))
                .and_then(|()| point.neurons.iter().try_for_each(|neurons| write!(csv, ",{neurons}")));
            written.expect("a String takes all");
            csv.push('\n');
        }
        csv
    }
}
