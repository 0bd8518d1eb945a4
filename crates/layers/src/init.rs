use crate::orthogonal;
use rand_distr::{Distribution, StandardNormal};
use wane_autodiff::ndarray::{ArrayD, IxDyn};
use wane_autodiff::rand::RngExt as _;
use wane_autodiff::{Activation, Error, Float, ParamId, Params, Rng, Shape, non_negative, number};

/// How the values of a parameter start: the laws of `torch.nn.init`, by its names and formulas.
///
/// A weight of shape (out, in) has fan_in = in and fan_out = out; axes behind these two multiply both. Values are drawn
/// in f64 and rounded once, row by row; the stream is that of the [`Rng`], not PyTorch's.
///
/// ```
/// use wane_autodiff::{Activation, Error, Params, Rng, rand::SeedableRng};
/// use wane_layers::{Init, Sequential, gain};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// Sequential::new().linear(4, 8).tanh().linear(8, 1).build(params.root(), &mut rng)?;
/// let xavier = Init::XavierUniform { gain: gain(Activation::Tanh)? };
/// for id in params.matching("*.weight")? {
///     xavier.apply(&mut params, id, &mut rng)?;
/// }
/// let bias = params.id("0.bias")?;
/// let error = xavier.apply(&mut params, bias, &mut rng).unwrap_err();
/// assert_eq!(error.to_string(), "\"0.bias\": shape for xavier_uniform is (8,); expected two axes or more, (out, in, …)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// U(low, high).
    Uniform(f64, f64),
    /// N(mean, std²).
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation, 0 or above.
        std: f64,
    },
    /// One value everywhere.
    Constant(f64),
    /// U(−a, a) with a = gain·√(6/(fan_in + fan_out)) (Glorot and Bengio 2010).
    XavierUniform {
        /// What the activation behind asks for: see [`gain`](crate::gain).
        gain: f64,
    },
    /// N(0, std²) with std = gain·√(2/(fan_in + fan_out)) (Glorot and Bengio 2010).
    XavierNormal {
        /// What the activation behind asks for: see [`gain`](crate::gain).
        gain: f64,
    },
    /// U(−a, a) with a = gain·√(3/fan) (He et al. 2015).
    KaimingUniform {
        /// What the activation behind asks for: see [`gain`](crate::gain).
        gain: f64,
        /// Which of the two fans counts.
        fan: Fan,
    },
    /// N(0, std²) with std = gain/√fan (He et al. 2015).
    KaimingNormal {
        /// What the activation behind asks for: see [`gain`](crate::gain).
        gain: f64,
        /// Which of the two fans counts.
        fan: Fan,
    },
    /// gain·Q with Q uniform among the matrices (out, everything else) whose rows are orthonormal, or whose columns are
    /// where there are more rows than columns (Saxe, McClelland and Ganguli 2013).
    Orthogonal {
        /// What Q is multiplied by.
        gain: f64,
    },
}

/// The fan whose variance a Kaiming init keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// fan_in, which keeps the variance of the forward pass.
    In,
    /// fan_out, which keeps the variance of the backward pass.
    Out,
}

/// The gain that an activation asks of the weights before it (PyTorch's `torch.nn.init.calculate_gain`): 1 for sigmoid
/// (and for no activation at all), 5/3 for tanh, √2 for ReLU, √(2/(1 + slope²)) for leaky ReLU.
///
/// # Errors
/// An activation for which PyTorch has no gain; a slope that is not finite.
pub fn gain(activation: Activation) -> Result<f64, Error> {
    match activation {
        Activation::Sigmoid => Ok(1.0),
        Activation::Tanh => Ok(5.0 / 3.0),
        Activation::Relu => Ok(2.0_f64.sqrt()),
        Activation::LeakyRelu(slope) if slope.is_finite() => Ok((2.0 / (1.0 + slope * slope)).sqrt()),
        other => {
            let expected = "Sigmoid, Tanh, Relu or LeakyRelu with a finite slope, for which there is a gain";
            Err(Error::option("activation", format!("{other:?}"), expected))
        }
    }
}

/// What is drawn, once the shape is known.
enum Law {
    Constant(f64),
    Uniform(f64, f64),
    Normal(f64, f64),
    Orthogonal(f64),
}

impl Init {
    /// Values for a parameter of shape `dims`.
    ///
    /// # Errors
    /// A gain or standard deviation that is negative; bounds reversed; a scalar that is no finite number of `T`; fewer
    /// than two axes where fans are needed; more elements than memory can hold.
    pub fn draw<T: Float>(self, dims: &[usize], rng: &mut Rng) -> Result<ArrayD<T>, Error> {
        let fits = |len: &usize| *len <= isize::MAX as usize / 8;
        // As ndarray counts, which an axis of length 0 does not excuse.
        let size = dims.iter().filter(|&&dim| dim > 0).try_fold(1, |len: usize, &dim| len.checked_mul(dim));
        if size.filter(fits).is_none() {
            return Err(Error::option("shape", format!("{dims:?}"), "one that fits in memory"));
        }
        let law = self.law(dims)?;
        let largest = match law {
            Law::Constant(value) | Law::Orthogonal(value) => value.abs(),
            Law::Uniform(low, high) => (high - low).max(low.abs()).max(high.abs()),
            // No draw from N(0, 1) lies beyond 10.
            Law::Normal(mean, std) => mean.abs() + 10.0 * std,
        };
        if !T::of(largest).is_finite() {
            let expected = format!("options whose draws {} can hold", T::NAME);
            return Err(Error::option(self.name(), format!("{self:?}"), expected));
        }
        let shape = IxDyn(dims);
        Ok(match law {
            Law::Uniform(low, high) if low < high => {
                ArrayD::from_shape_simple_fn(shape, || T::of(rng.random_range(low..high)))
            }
            Law::Constant(value) | Law::Uniform(value, _) => ArrayD::from_elem(shape, T::of(value)),
            Law::Normal(mean, std) => ArrayD::from_shape_simple_fn(shape, || {
                let z: f64 = StandardNormal.sample(rng);
                T::of(mean + std * z)
            }),
            Law::Orthogonal(gain) => {
                let q = orthogonal::draw(dims[0], dims[1..].iter().product(), rng);
                let scaled: Vec<_> = q.iter().map(|&q| T::of(gain * q)).collect();
                ArrayD::from_shape_vec(shape, scaled).expect("as many elements as the axes say")
            }
        })
    }

    /// Overwrites the values of a parameter that exists.
    ///
    /// # Errors
    /// Those of [`draw`](Self::draw), with the parameter's name; a handle of other Params. The parameter then stays as
    /// it was.
    pub fn apply<T: Float>(self, params: &mut Params<T>, id: ParamId, rng: &mut Rng) -> Result<(), Error> {
        let entry = params.layout().entry(id)?;
        let drawn =
            self.draw(entry.shape().dims(), rng).map_err(|error| error.within(format!("{:?}", entry.name())))?;
        params.set(id, &drawn)
    }

    /// PyTorch's name of the law.
    fn name(self) -> &'static str {
        match self {
            Self::Uniform(..) => "uniform",
            Self::Normal { .. } => "normal",
            Self::Constant(_) => "constant",
            Self::XavierUniform { .. } => "xavier_uniform",
            Self::XavierNormal { .. } => "xavier_normal",
            Self::KaimingUniform { .. } => "kaiming_uniform",
            Self::KaimingNormal { .. } => "kaiming_normal",
            Self::Orthogonal { .. } => "orthogonal",
        }
    }

    fn law(self, dims: &[usize]) -> Result<Law, Error> {
        let option = |field: &str| format!("{} {field}", self.name());
        let finite = |field: &str, value: f64| match value.is_finite() {
            true => Ok(value),
            false => Err(Error::option(option(field), value, "a finite number")),
        };
        let gained = |gain: f64, squares: f64| Ok::<_, Error>(non_negative(&option("gain"), gain)? * squares.sqrt());
        Ok(match self {
            Self::Constant(value) => Law::Constant(finite("value", value)?),
            Self::Uniform(low, high) if low <= high && (high - low).is_finite() => Law::Uniform(low, high),
            Self::Uniform(low, high) => {
                let given = format!("{} to {}", number(low), number(high));
                return Err(Error::option("uniform bounds", given, "two finite numbers, the lower one first"));
            }
            Self::Normal { mean, std } => Law::Normal(finite("mean", mean)?, non_negative(&option("std"), std)?),
            Self::XavierUniform { gain } => {
                let bound = gained(gain, 6.0 / self.fans(dims)?.iter().sum::<f64>())?;
                Law::Uniform(-bound, bound)
            }
            Self::XavierNormal { gain } => Law::Normal(0.0, gained(gain, 2.0 / self.fans(dims)?.iter().sum::<f64>())?),
            Self::KaimingUniform { gain, fan } => {
                let bound = gained(gain, 3.0 / self.fans(dims)?[fan as usize])?;
                Law::Uniform(-bound, bound)
            }
            Self::KaimingNormal { gain, fan } => Law::Normal(0.0, gained(gain, 1.0 / self.fans(dims)?[fan as usize])?),
            Self::Orthogonal { gain } => {
                self.fans(dims)?;
                Law::Orthogonal(finite("gain", gain)?)
            }
        })
    }

    /// [fan_in, fan_out], 1 in place of 0: an empty weight has nothing to draw.
    fn fans(self, dims: &[usize]) -> Result<[f64; 2], Error> {
        let &[out, inputs, ref behind @ ..] = dims else {
            let given = Shape::from_dims(dims).expect("fewer than two axes").to_string();
            return Err(Error::option(format!("shape for {}", self.name()), given, "two axes or more, (out, in, …)"));
        };
        let field: usize = behind.iter().product();
        Ok([inputs, out].map(|maps| (maps * field).max(1) as f64))
    }
}
