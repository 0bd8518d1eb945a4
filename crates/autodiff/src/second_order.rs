use crate::{Dual, Error, Float, Grads, Graph, Params, Tape, Var, non_negative, reduce};
use ndarray::{ArrayBase, ArrayD, Data, Dimension};
use std::sync::Arc;

/// Second derivatives of a scalar function of [`Params`], forward over reverse: one backward pass over [`Dual`] numbers.
///
/// The function is a closure over a recording of dual numbers, written once for every scalar as a generic function
/// (`fn loss<'g, T: Float>(graph: Graph<'g, T>, …) -> Var<'g, T>`), with [`Graph::lift`] for its data. Layers know
/// parameters by handle, so that one made for any scalar serves: a model that is made for one scalar, as `Sequential`
/// is, gets a twin built over parameters that are thrown away.
///
/// A call costs as much as 2 to 4 gradients (`cargo bench --bench second`). What it computes is exact: to rounding, and
/// with the slope at a kink that each op documents, whose jump there counts for nothing. The object is memory for one call
/// after another, bound to one layout: what is still allocated are the parts of matrix products.
///
/// ```
/// use wane_autodiff::{Float, Graph, ParamId, Params, SecondOrder, Var, ndarray::array};
///
/// /// Σ w⁴, whose Hessian has 12w² on its diagonal.
/// fn loss<'g, T: Float>(graph: Graph<'g, T>, w: ParamId) -> Var<'g, T> {
///     graph.param(w).square().square().sum()
/// }
///
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("w", &array![1.0, 2.0])?;
/// let mut direction = params.grads();
/// direction.set(w, &array![1.0, -1.0])?;
///
/// let mut second = SecondOrder::new(&params);
/// let found = second.hvp(&params, &direction, |graph| loss(graph, w))?;
/// assert_eq!(found.loss, 17.0);
/// assert_eq!(found.gradient.as_slice(), [4.0, 32.0]);
/// assert_eq!(found.product.as_slice(), [12.0, -48.0]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct SecondOrder<T> {
    tape: Tape<Dual<T>>,
    params: Params<Dual<T>>,
    grads: Grads<Dual<T>>,
    gradient: Grads<T>,
    product: Grads<T>,
}

/// What [`SecondOrder::hvp`] found. Both lie in the memory of the object that computed them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HessianProduct<'a, T> {
    /// L.
    pub loss: T,
    /// ∇L.
    pub gradient: &'a Grads<T>,
    /// H·v, reached where the gradient is.
    pub product: &'a Grads<T>,
}

impl<T: Float> SecondOrder<T> {
    /// Memory for functions of parameters laid out as `params`.
    pub fn new(params: &Params<T>) -> Self {
        let dual = Params {
            layout: Arc::clone(params.layout()),
            values: params.values.iter().map(|&value| value.into()).collect(),
            frozen: params.frozen.clone(),
        };
        Self { tape: Tape::new(), grads: dual.grads(), params: dual, gradient: params.grads(), product: params.grads() }
    }

    /// L, ∇L and the product H·v of the Hessian H = ∂²L/∂θ² and a direction v, without H itself (Pearlmutter 1994).
    ///
    /// Frozen parameters are constants: they have no gradient, no product, and their part of `direction` is ignored.
    ///
    /// # Errors
    /// Parameters or a direction of another layout.
    ///
    /// # Panics
    /// As [`Var::backward`].
    pub fn hvp(
        &mut self,
        params: &Params<T>,
        direction: &Grads<T>,
        loss: impl for<'g> FnOnce(Graph<'g, Dual<T>>) -> Var<'g, Dual<T>>,
    ) -> Result<HessianProduct<'_, T>, Error> {
        self.expect(params, direction, "layout of the direction")?;
        self.set_params(params, direction.as_slice());
        let loss = self.differentiate(loss).value;
        let parts = self.gradient.values.iter_mut().zip(self.product.values.iter_mut());
        for ((gradient, product), &dual) in parts.zip(self.grads.values.iter()) {
            (*gradient, *product) = (dual.value, dual.tangent);
        }
        self.gradient.reached.copy_from_slice(&self.grads.reached);
        self.product.reached.copy_from_slice(&self.grads.reached);
        Ok(HessianProduct { loss, gradient: &self.gradient, product: &self.product })
    }

    /// Adds the gradient of the penalty λ‖∇L‖², which is 2λ·H·∇L, to `grads`, and returns the penalty's value.
    ///
    /// `grads` has to hold ∇L, as [`Var::backward`] leaves it, of the very function that `loss` records: on the same
    /// rows, with the same terms, and in training with the same masks (a clone of the generator). Barrett and Dherin
    /// (2021); Zhao, Zhang and Hu (2022) penalise the norm without its square.
    ///
    /// ```
    /// use wane_autodiff::{Float, Graph, ParamId, Params, SecondOrder, Tape, Var, ndarray::array};
    ///
    /// fn loss<'g, T: Float>(graph: Graph<'g, T>, w: ParamId) -> Var<'g, T> {
    ///     graph.param(w).square().sum()
    /// }
    ///
    /// let mut params = Params::<f32>::new();
    /// let w = params.root().add("w", &array![3.0, -4.0])?;
    /// let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
    ///
    /// loss(tape.record(&params), w).backward(&mut grads);
    /// let penalty = second.gradient_norm_penalty(0.5, &params, &mut grads, |graph| loss(graph, w))?;
    /// assert_eq!(penalty, 0.5 * 100.0); //                                   ∇L = 2w
    /// assert_eq!(grads.as_slice(), [6.0 + 12.0, -8.0 - 16.0]); //            2w + 2λ·2·2w
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite; parameters or gradients of another layout.
    ///
    /// # Panics
    /// As [`Var::backward`].
    pub fn gradient_norm_penalty(
        &mut self,
        lambda: f64,
        params: &Params<T>,
        grads: &mut Grads<T>,
        loss: impl for<'g> FnOnce(Graph<'g, Dual<T>>) -> Var<'g, Dual<T>>,
    ) -> Result<T, Error> {
        let lambda = non_negative("gradient norm penalty lambda", lambda)?;
        self.expect(params, grads, "layout of the gradients")?;
        self.set_params(params, grads.as_slice());
        let gradient = self.params.as_slice();
        let square = reduce::sum_by(0, gradient.len(), &|i| gradient[i].tangent * gradient[i].tangent);
        self.differentiate(loss);
        self.add_tangents(T::of(2.0 * lambda), grads);
        Ok(T::of(lambda) * square)
    }

    /// Adds the gradient of the penalty λ·(1/n) Σᵢ ‖∂fᵢ/∂xᵢ‖² over the n rows of `x` to `grads`, and returns the
    /// penalty's value: double backpropagation (Drucker and LeCun 1992).
    ///
    /// `mean` records the mean of fᵢ over rows, which may be a loss or an output's mean; a row's f must depend on that
    /// row alone. It is given `x` as a value, of shape (n, …). `x_grad` is that mean's gradient with respect to `x`, of
    /// the same shape: [`Var::grad`] of a [`Graph::variable`] has it after backward. With it, call it G, the penalty is
    /// λn‖G‖², whose gradient is 2λn times the derivative of the parameters' gradient as x moves along G.
    ///
    /// ```
    /// use wane_autodiff::{Float, Graph, ParamId, Params, SecondOrder, Tape, Var, ndarray::array};
    ///
    /// /// The mean output of x·w: its gradient with respect to each row is w.
    /// fn mean<'g, T: Float>(x: Var<'g, T>, w: ParamId) -> Var<'g, T> {
    ///     x.matmul(x.graph().param(w)).mean()
    /// }
    ///
    /// let mut params = Params::<f64>::new();
    /// let w = params.root().add("w", &array![[3.0], [4.0]])?;
    /// let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
    /// let rows = array![[1.0, 2.0], [0.5, -1.0]];
    ///
    /// let x = tape.record(&params).variable(&rows);
    /// mean(x, w).backward(&mut grads);
    /// let slope = x.grad().unwrap();
    /// grads.clear(); // of the mean itself; only the penalty is to be trained here
    /// let penalty = second.input_gradient_penalty(0.1, &params, &rows, &slope, &mut grads, |x| mean(x, w))?;
    /// assert_eq!(penalty, 0.1 * 25.0);
    /// assert_eq!(grads.get(w).unwrap(), (array![[3.0], [4.0]] * 0.2).into_dyn());
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite; parameters or gradients of another layout; an `x_grad` of another shape
    /// than `x`; an `x` without axes.
    ///
    /// # Panics
    /// As [`Graph::input`] and [`Var::backward`].
    pub fn input_gradient_penalty<S: Data<Elem = T>, D: Dimension>(
        &mut self,
        lambda: f64,
        params: &Params<T>,
        x: &ArrayBase<S, D>,
        x_grad: &ArrayD<T>,
        grads: &mut Grads<T>,
        mean: impl for<'g> FnOnce(Var<'g, Dual<T>>) -> Var<'g, Dual<T>>,
    ) -> Result<T, Error> {
        let lambda = non_negative("input gradient penalty lambda", lambda)?;
        self.expect(params, grads, "layout of the gradients")?;
        let Some(&rows) = x.shape().first() else {
            return Err(Error::data("number of axes of x", 0, "at least 1, the rows"));
        };
        if x_grad.shape() != x.shape() {
            let given = format!("{:?}", x_grad.shape());
            return Err(Error::data("shape of the gradient of x", given, format!("{:?}", x.shape())));
        }
        self.set_params(params, &[]);
        self.differentiate(|graph| {
            let numbers = x.iter().zip(x_grad).map(|(&x, &tangent)| Dual::new(x, tangent));
            mean(graph.enter(x.shape(), false, |to| to.iter_mut().zip(numbers).for_each(|(to, from)| *to = from)))
        });
        let scale = lambda * rows as f64;
        self.add_tangents(T::of(2.0 * scale), grads);
        let slopes = x_grad.as_standard_layout();
        let slopes = slopes.as_slice().expect("standard layout");
        Ok(T::of(scale) * reduce::sum_of(slopes, &|slope| slope * slope))
    }

    fn expect(&self, params: &Params<T>, grads: &Grads<T>, what: &str) -> Result<(), Error> {
        self.params.layout().expect_same(params.layout(), "layout of the parameters")?;
        self.params.layout().expect_same(grads.layout(), what)
    }

    /// Takes over values, what is frozen, and a tangent for each number: none is all zeros.
    fn set_params(&mut self, params: &Params<T>, tangents: &[T]) {
        let tangents = tangents.iter().copied().chain(std::iter::repeat(T::zero()));
        for (dual, (&value, tangent)) in self.params.values.iter_mut().zip(params.as_slice().iter().zip(tangents)) {
            *dual = Dual::new(value, tangent);
        }
        self.params.frozen.copy_from_slice(&params.frozen);
        for (entry, _) in self.params.layout.entries().iter().zip(&self.params.frozen).filter(|(_, frozen)| **frozen) {
            self.params.values[entry.range()].iter_mut().for_each(|dual| dual.tangent = T::zero());
        }
    }

    /// Leaves gradient and its derivative in `grads`, and returns the function's value.
    fn differentiate(&mut self, f: impl for<'g> FnOnce(Graph<'g, Dual<T>>) -> Var<'g, Dual<T>>) -> Dual<T> {
        let root = f(self.tape.record(&self.params));
        root.backward(&mut self.grads);
        root.item()
    }

    fn add_tangents(&self, scale: T, grads: &mut Grads<T>) {
        grads.values.iter_mut().zip(self.grads.values.iter()).for_each(|(grad, dual)| *grad += scale * dual.tangent);
        grads.reached.iter_mut().zip(&self.grads.reached).for_each(|(to, &reached)| *to |= reached);
    }
}
