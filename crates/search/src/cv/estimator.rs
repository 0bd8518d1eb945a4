use crate::Workspace;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, Rng};
use wane_data::{Dataset, StandardScaler};
use wane_linear::{ElasticNetOptions, Fit, RidgeFit, elastic_net, ridge};

/// What learns from rows (scikit-learn's estimator): options, from which [`fit`](Self::fit) makes a model.
///
/// Cross-validation, searches and the bias–variance decomposition take any. Networks are [`MlpRegressor`](crate::MlpRegressor),
/// linear models [`Ridge`] and [`ElasticNetOptions`]; [`Scaled`] puts scalers around another; and a closure will do:
///
/// ```
/// use ndarray::{Array2, ArrayView2, array};
/// use wane_autodiff::Rng;
/// use wane_data::Dataset;
/// use wane_search::{CvOptions, KFold, cross_validate};
///
/// let mean = |train: &Dataset<f64>, _: &mut Rng| {
///     let mean = train.y().mean().unwrap_or(0.0);
///     Ok(move |x: ArrayView2<'_, f64>| Ok(Array2::from_elem((x.nrows(), 1), mean)))
/// };
/// let data = Dataset::new(array![[0.0], [1.0], [2.0], [3.0]], array![[1.0], [1.0], [3.0], [3.0]])?;
/// let scores = cross_validate(&mean, &data, &KFold::new(2)?, &CvOptions::default())?;
/// assert_eq!(scores.test_scores(), [-4.0, -4.0]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub trait Estimator: Sync {
    /// What predicts.
    type Model: Predict;

    /// Learns from the rows of `train`. All that is random comes from `rng`; `workspace` holds what the same worker may
    /// use again, and no result depends on what is in it.
    ///
    /// # Errors
    /// Options out of range; data that it can't learn from.
    fn fit(&self, train: &Dataset<f64>, rng: &mut Rng, workspace: &mut Workspace) -> Result<Self::Model, Error>;
}

/// A model that was fitted.
pub trait Predict {
    /// The outputs for the rows of x: (rows, features), of shape (rows, outputs). Of classes, they are logits.
    ///
    /// # Errors
    /// An x of another width than was fitted.
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error>;
}

impl<F, M> Estimator for F
where
    F: Fn(&Dataset<f64>, &mut Rng) -> Result<M, Error> + Sync,
    M: Predict,
{
    type Model = M;

    fn fit(&self, train: &Dataset<f64>, rng: &mut Rng, _: &mut Workspace) -> Result<M, Error> {
        self(train, rng)
    }
}

impl<F: Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>, Error>> Predict for F {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        self(x)
    }
}

/// [`ridge`] as an estimator: ‖y − Xw − b‖² + alpha ‖w‖² (scikit-learn's `Ridge`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ridge {
    /// The strength of the penalty, finite and ≥ 0.
    pub alpha: f64,
}

impl Estimator for Ridge {
    type Model = RidgeFit;

    fn fit(&self, train: &Dataset<f64>, _: &mut Rng, _: &mut Workspace) -> Result<RidgeFit, Error> {
        ridge(train.x(), single_output(train)?, self.alpha)
    }
}

impl Predict for RidgeFit {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        Ok(self.predict(x)?.insert_axis(Axis(1)))
    }
}

/// [`elastic_net`] with these options: lasso, elastic net and ridge.
impl Estimator for ElasticNetOptions {
    type Model = Fit;

    fn fit(&self, train: &Dataset<f64>, _: &mut Rng, _: &mut Workspace) -> Result<Fit, Error> {
        elastic_net(train.x(), single_output(train)?, self)
    }
}

impl Predict for Fit {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        Ok(self.predict(x)?.insert_axis(Axis(1)))
    }
}

/// The numbers of a target, (rows, outputs).
pub(crate) fn numbers(data: &Dataset<f64>) -> Result<ArrayView2<'_, f64>, Error> {
    match data.target() {
        wane_data::Target::Values(y) => Ok(y),
        wane_data::Target::Classes(_) => Err(Error::data("target", "classes", "numbers, as a regression wants")),
    }
}

fn single_output(data: &Dataset<f64>) -> Result<ArrayView1<'_, f64>, Error> {
    let y = numbers(data)?;
    match y.ncols() {
        1 => Ok(y.index_axis_move(Axis(1), 0)),
        outputs => Err(Error::data("number of outputs", outputs, "1, as a linear model has")),
    }
}

/// An estimator behind a [`StandardScaler`], which is fitted on the training rows alone (scikit-learn's
/// `make_pipeline(StandardScaler(), estimator)`).
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled<E> {
    /// What learns from the scaled rows.
    pub estimator: E,
    /// Whether the target is scaled too, and predictions brought back (scikit-learn's `TransformedTargetRegressor`).
    pub scale_y: bool,
}

impl<E: Estimator> Estimator for Scaled<E> {
    type Model = ScaledModel<E::Model>;

    fn fit(&self, train: &Dataset<f64>, rng: &mut Rng, workspace: &mut Workspace) -> Result<Self::Model, Error> {
        let x_scaler = StandardScaler::fit(train.x()).map_err(|error| error.within("x"))?;
        let mut scaled = train.scale_x(&x_scaler)?;
        let y_scaler = match self.scale_y {
            true => Some(StandardScaler::fit(numbers(train)?).map_err(|error| error.within("y"))?),
            false => None,
        };
        if let Some(y_scaler) = &y_scaler {
            scaled = scaled.scale_y(y_scaler)?;
        }
        let model = self.estimator.fit(&scaled, rng, workspace)?;
        Ok(ScaledModel { model, x_scaler, y_scaler })
    }
}

/// A model between the scalers of a [`Scaled`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledModel<M> {
    /// What was fitted on scaled rows.
    pub model: M,
    /// What its rows are brought to scale by.
    pub x_scaler: StandardScaler,
    /// What its predictions are brought back by, if the target was scaled.
    pub y_scaler: Option<StandardScaler>,
}

impl<M: Predict> Predict for ScaledModel<M> {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        let output = self.model.predict(self.x_scaler.transform(x)?.view())?;
        match &self.y_scaler {
            Some(scaler) => scaler.inverse_transform(output.view()),
            None => Ok(output),
        }
    }
}
