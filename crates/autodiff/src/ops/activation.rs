use super::elu::Elu;
use super::gelu::Gelu;
use super::gelu_tanh::GeluTanh;
use super::leaky_relu::LeakyRelu;
use super::relu::Relu;
use super::sigmoid::Sigmoid;
use super::silu::Silu;
use super::softplus::Softplus;
use super::tanh::Tanh;
use crate::{Float, Unary, Var};

/// An activation function by name: a layer of its own, or the end of a [`Var::linear`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// x above 0, slope·x below.
    LeakyRelu(f64),
    /// x above 0, α(eˣ − 1) below.
    Elu(f64),
    /// x·Φ(x), by erf.
    Gelu,
    /// x·Φ(x), by tanh.
    GeluTanh,
    /// x·σ(x).
    Silu,
    /// ln(1 + eˣ), x above 20.
    Softplus,
}

/// What is done with an activation once its type is known: one loop compiled for each.
pub(crate) trait Visitor<T: Float> {
    type Output;

    fn visit<U: Unary<T>>(self, unary: U) -> Self::Output;
}

impl Activation {
    pub(crate) fn visit<T: Float, V: Visitor<T>>(self, visitor: V) -> V::Output {
        match self {
            Self::Relu => visitor.visit(Relu),
            Self::Tanh => visitor.visit(Tanh),
            Self::Sigmoid => visitor.visit(Sigmoid),
            Self::LeakyRelu(slope) => visitor.visit(LeakyRelu(T::of(slope))),
            Self::Elu(alpha) => visitor.visit(Elu(T::of(alpha))),
            Self::Gelu => visitor.visit(Gelu),
            Self::GeluTanh => visitor.visit(GeluTanh),
            Self::Silu => visitor.visit(Silu),
            Self::Softplus => visitor.visit(Softplus),
        }
    }

    /// Whether f(x) alone tells f′(x), and its sign that of x: then a fused op need not keep x.
    pub(crate) fn is_told_by_output(self) -> bool {
        match self {
            Self::Relu | Self::Tanh | Self::Sigmoid => true,
            Self::LeakyRelu(slope) => slope >= 0.0,
            Self::Elu(_) | Self::Gelu | Self::GeluTanh | Self::Silu | Self::Softplus => false,
        }
    }
}

struct Record<'g, T>(Var<'g, T>);

impl<'g, T: Float> Visitor<T> for Record<'g, T> {
    type Output = Var<'g, T>;

    #[track_caller]
    fn visit<U: Unary<T>>(self, unary: U) -> Var<'g, T> {
        self.0.unary(unary)
    }
}

impl<T: Float> Var<'_, T> {
    /// Applies an activation function.
    #[track_caller]
    pub fn activate(self, activation: Activation) -> Self {
        let site = std::panic::Location::caller();
        self.graph.attribute(site, || activation.visit(Record(self)))
    }
}
