use crate::Module;
use std::fmt;
use wane_autodiff::{Error, Rng, Scope};

/// A kind of layer of one's own that a model's file can hold: a name, and the function that makes it from a text. What
/// makes the model makes it again from the file, so the two can't differ.
///
/// ```
/// use wane_autodiff::{Error, Float, ParamId, Params, Rng, Scope, Var};
/// use wane_autodiff::{ndarray::Array1, rand::SeedableRng};
/// use wane_layers::{CustomLayer, Description, LayerSpec, Module, Sequential};
///
/// /// Multiplies each feature by a learnt factor.
/// #[derive(Debug)]
/// struct Scale(ParamId, usize);
///
/// impl Scale {
///     /// By its width in decimal. A file may hold any text, and any number.
///     fn make<T: Float>(width: &str, mut scope: Scope<'_, T>, _: &mut Rng) -> Result<Box<dyn Module<T>>, Error> {
///         let parsed = width.parse().ok().filter(|width| (1..=1000).contains(width));
///         let width = parsed.ok_or_else(|| Error::option("scale width", width, "1 to 1000"))?;
///         Ok(Box::new(Scale(scope.add("factors", &Array1::from_elem(width, T::one()))?, width)))
///     }
/// }
///
/// impl<T: Float> Module<T> for Scale {
///     fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
///         x * x.graph().param(self.0)
///     }
///     fn describe(&self) -> Description {
///         Description { kind: "Scale".to_owned(), widths: Some((self.1, self.1)), parameters: vec![(self.0, self.1)] }
///     }
/// }
///
/// let scale = CustomLayer { name: "scale", make: Scale::make };
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = Sequential::new().custom(scale, "3").linear(3, 1).build(params.root(), &mut rng)?;
/// let specs = model.specs()?;
/// assert_eq!(specs[0], LayerSpec::Custom { name: "scale".to_owned(), options: "3".to_owned() });
///
/// let mut others = Params::new();
/// let twin = Sequential::new().specs_with(&specs, &[scale]).build(others.root(), &mut rng)?;
/// assert_eq!(twin.summary(), model.summary());
/// # Ok::<(), Error>(())
/// ```
pub struct CustomLayer<T> {
    /// What a file calls it.
    pub name: &'static str,
    /// Makes it, with its parameters below the scope. The text may come from a file, so what it asks for is to be checked
    /// before memory is taken.
    pub make: MakeLayer<T>,
}

/// Makes a layer from a text, with its parameters below the scope.
pub(crate) type MakeLayer<T> = fn(&str, Scope<'_, T>, &mut Rng) -> Result<Box<dyn Module<T>>, Error>;

impl<T> Clone for CustomLayer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CustomLayer<T> {}

impl<T> fmt::Debug for CustomLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomLayer").field("name", &self.name).finish_non_exhaustive()
    }
}
