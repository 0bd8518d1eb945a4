use crate::{Error, Flat, Float, Grads, Layout, Shape};
use ndarray::{ArrayBase, ArrayViewD, ArrayViewMutD, Data, Dimension};
use std::sync::Arc;

/// The handle of one parameter: an index, and a tag by which other [`Params`] refuse it, unless they hold a parameter of
/// the same name and shape in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId {
    pub(crate) index: u32,
    pub(crate) tag: u32,
}

impl ParamId {
    /// The parameter's position in the order in which parameters were added.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// All parameters of a model: one flat buffer, named, in the order in which they were added.
///
/// Layers hold [`ParamId`]s; saving, averaging and optimizing are loops over the flat slice.
///
/// ```
/// use wane_autodiff::Params;
/// use wane_autodiff::ndarray::array;
///
/// let mut params = Params::<f32>::new();
/// let weight = params.at("net").at("0").add("weight", &array![[1.0, 2.0]])?;
/// assert_eq!(params.name(weight), "net.0.weight");
/// assert_eq!(params.as_slice(), &[1.0, 2.0]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Params<T> {
    pub(crate) layout: Arc<Layout>,
    pub(crate) values: Flat<T>,
    pub(crate) frozen: Vec<bool>,
}

/// One parameter, as [`Params::iter`] shows it.
#[derive(Clone, Debug)]
pub struct Param<'a, T> {
    /// The handle.
    pub id: ParamId,
    /// The full name, such as `net.0.weight`.
    pub name: &'a str,
    /// The axis lengths.
    pub shape: Shape,
    /// The values, row-major.
    pub values: &'a [T],
    /// Whether gradients and optimizers pass it by.
    pub frozen: bool,
}

impl<T> Param<'_, T> {
    /// The number of axes: 2 for a Linear layer's weight, 1 for its bias.
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }
}

impl<T: Float> Params<T> {
    /// No parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where a model that stands alone adds its parameters: names without a prefix.
    pub fn root(&mut self) -> Scope<'_, T> {
        Scope { params: self, prefix: String::new() }
    }

    /// Where a part of a larger model adds its parameters: `at("net")` makes `net.0.weight`.
    pub fn at(&mut self, name: impl std::fmt::Display) -> Scope<'_, T> {
        Scope { params: self, prefix: format!("{name}.") }
    }

    /// The parameters, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Param<'_, T>> {
        self.layout.entries().iter().zip(&self.frozen).map(|(entry, &frozen)| Param {
            id: entry.id,
            name: &entry.name,
            shape: entry.shape,
            values: &self.values[entry.range()],
            frozen,
        })
    }

    /// Every handle, in order.
    pub fn ids(&self) -> Vec<ParamId> {
        self.layout.entries().iter().map(|entry| entry.id).collect()
    }

    /// The number of parameters (tensors, not scalars).
    pub fn len(&self) -> usize {
        self.layout.entries().len()
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The handle of the parameter called `name`.
    ///
    /// # Errors
    /// No parameter of that name.
    pub fn id(&self, name: &str) -> Result<ParamId, Error> {
        self.layout.id(name)
    }

    /// The parameters whose names match `pattern`, in which `*` stands for any characters: `"*.weight"`, `"net.0.*"`.
    ///
    /// # Errors
    /// A pattern that matches nothing, with the names there are.
    pub fn matching(&self, pattern: &str) -> Result<Vec<ParamId>, Error> {
        let found: Vec<_> = self.iter().filter(|p| glob(pattern, p.name)).map(|p| p.id).collect();
        if found.is_empty() {
            let expected = format!("a pattern that matches one of {}", self.layout.names(|_| true));
            return Err(Error::parameter("name pattern", format!("{pattern:?}"), expected));
        }
        Ok(found)
    }

    /// The handles for which `choose` holds, and the others.
    pub fn partition(&self, mut choose: impl FnMut(&Param<'_, T>) -> bool) -> (Vec<ParamId>, Vec<ParamId>) {
        let (mut chosen, mut others) = (Vec::new(), Vec::new());
        for param in self.iter() {
            if choose(&param) { &mut chosen } else { &mut others }.push(param.id);
        }
        (chosen, others)
    }

    /// The values of `id`.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn get(&self, id: ParamId) -> ArrayViewD<'_, T> {
        let entry = self.entry(id);
        view(entry.shape, &self.values[entry.range()])
    }

    /// The values of `id`, to write to.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn get_mut(&mut self, id: ParamId) -> ArrayViewMutD<'_, T> {
        let (shape, range) = (self.entry(id).shape, self.entry(id).range());
        ArrayViewMutD::from_shape(shape.dims(), &mut self.values[range]).expect("a layout's ranges fit its shapes")
    }

    /// Overwrites the values of `id`.
    ///
    /// # Errors
    /// Another shape than the parameter's.
    pub fn set<S: Data<Elem = T>, D: Dimension>(&mut self, id: ParamId, values: &ArrayBase<S, D>) -> Result<(), Error> {
        let entry = self.layout.entry(id)?;
        copy_into(entry, values, &mut self.values[entry.range()])
    }

    /// The full name of `id`.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn name(&self, id: ParamId) -> &str {
        &self.entry(id).name
    }

    /// Keeps the given parameters as they are: they get no gradient, so optimizers pass them by.
    ///
    /// # Errors
    /// A handle of other Params.
    pub fn freeze(&mut self, ids: &[ParamId]) -> Result<(), Error> {
        self.set_frozen(ids, true)
    }

    /// Lets the given parameters be trained again.
    ///
    /// # Errors
    /// A handle of other Params.
    pub fn unfreeze(&mut self, ids: &[ParamId]) -> Result<(), Error> {
        self.set_frozen(ids, false)
    }

    fn set_frozen(&mut self, ids: &[ParamId], frozen: bool) -> Result<(), Error> {
        ids.iter().try_for_each(|&id| self.layout.entry(id).map(|_| ()))?;
        ids.iter().for_each(|id| self.frozen[id.index()] = frozen);
        Ok(())
    }

    /// Gradients of this layout, none reached yet.
    pub fn grads(&self) -> Grads<T> {
        Grads::new(Arc::clone(&self.layout))
    }

    /// The layout that these parameters share with their gradients and optimizers.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// All values, one parameter behind the other.
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// All values, to write to.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Whether `id` is frozen.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn is_frozen(&self, id: ParamId) -> bool {
        self.entry(id);
        self.frozen[id.index()]
    }

    #[track_caller]
    pub(crate) fn entry(&self, id: ParamId) -> &crate::Entry {
        match self.layout.entry(id) {
            Ok(entry) => entry,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A place in the tree of names where parameters are added.
#[derive(Debug)]
pub struct Scope<'a, T> {
    params: &'a mut Params<T>,
    prefix: String,
}

impl<T: Float> Scope<'_, T> {
    /// A place below this one: `scope.at(0)` puts `0.` before names.
    pub fn at(&mut self, name: impl std::fmt::Display) -> Scope<'_, T> {
        Scope { params: self.params, prefix: format!("{}{name}.", self.prefix) }
    }

    /// The same place, lent.
    pub fn reborrow(&mut self) -> Scope<'_, T> {
        Scope { params: self.params, prefix: self.prefix.clone() }
    }

    /// All parameters there are, those of other places too: where a layer finds the one it is to share.
    pub fn params(&self) -> &Params<T> {
        self.params
    }

    /// Adds what `build` adds, or nothing if it fails: a model that could not be built leaves no parameters behind.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn all_or_nothing<R>(&mut self, build: impl FnOnce(Scope<'_, T>) -> Result<R, Error>) -> Result<R, Error> {
        let before = self.params.len();
        let result = build(self.reborrow());
        if result.is_err() && self.params.len() > before {
            let layout = Arc::make_mut(&mut self.params.layout);
            layout.truncate(before);
            self.params.values.truncate(layout.total());
            self.params.frozen.truncate(before);
        }
        result
    }

    /// Adds a parameter with its initial values.
    ///
    /// # Errors
    /// A name already taken or malformed; a rank above 4.
    pub fn add<S: Data<Elem = T>, D: Dimension>(
        &mut self,
        name: &str,
        values: &ArrayBase<S, D>,
    ) -> Result<ParamId, Error> {
        let name = format!("{}{name}", self.prefix);
        let shape = Shape::from_dims(values.shape())
            .ok_or_else(|| Error::parameter(format!("rank of parameter {name:?}"), values.ndim(), "at most 4 axes"))?;
        let id = Arc::make_mut(&mut self.params.layout).push(name, shape)?;
        self.params.values.extend(values.len(), values.iter().copied());
        self.params.frozen.push(false);
        Ok(id)
    }
}

pub(crate) fn view<T>(shape: Shape, values: &[T]) -> ArrayViewD<'_, T> {
    ArrayViewD::from_shape(shape.dims(), values).expect("a layout's ranges fit its shapes")
}

pub(crate) fn copy_into<T: Float, S: Data<Elem = T>, D: Dimension>(
    entry: &crate::Entry,
    from: &ArrayBase<S, D>,
    to: &mut [T],
) -> Result<(), Error> {
    if from.shape() != entry.shape.dims() {
        let given = format!("{:?}", from.shape());
        return Err(Error::parameter(format!("shape of {:?}", entry.name), given, entry.shape.to_string()));
    }
    to.iter_mut().zip(from.iter()).for_each(|(to, &from)| *to = from);
    Ok(())
}

/// Whether `name` matches `pattern`, in which `*` stands for any run of characters.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    // The first place of each inner part leaves most to those behind it, so that no other place need be tried.
    let (inner, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in inner.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn patterns_match_as_shells_do() {
        for (pattern, name, expected) in [
            ("*.weight", "net.0.weight", true),
            ("*.weight", "net.0.bias", false),
            ("net.*.bias", "net.10.bias", true),
            ("net.0.*", "net.0.weight", true),
            ("0.weight", "0.weight", true),
            ("weight", "0.weight", false),
            ("*", "anything", true),
            ("a*a", "a", false),
            ("a*b*c", "a.c.b", false),
            ("a*b*c", "a.c.b.c", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "aab", false),
            ("*é*", "café.0", true),
            (&"*a".repeat(30), &"a".repeat(29), false),
            ("*0*", "a0b", true),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn names_and_strangers_are_refused() {
        let mut params = Params::<f64>::new();
        params.root().add("w", &array![1.0]).unwrap();
        assert!(params.root().add("w", &array![1.0]).unwrap_err().to_string().contains("already taken"));
        assert!(params.root().add("", &array![1.0]).is_err());
        assert!(params.at("a.").add("b", &array![1.0]).is_err());
        let error = params.matching("*.bias").unwrap_err().to_string();
        assert_eq!(error, "name pattern is \"*.bias\"; expected a pattern that matches one of w");

        let mut others = Params::<f64>::new();
        let stranger = others.root().add("v", &array![1.0]).unwrap();
        assert!(params.set(stranger, &array![2.0]).is_err());
        assert!(params.freeze(&[stranger]).is_err());
    }

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let mut params = Params::<f64>::new();
        params.root().add("w", &array![1.0]).unwrap();
        let before = params.clone();
        let failed = params.at("net").all_or_nothing(|mut scope| {
            scope.add("a", &array![[2.0, 3.0]])?;
            scope.at(0).add("", &array![4.0])
        });
        assert!(failed.is_err());
        before.layout().expect_same(params.layout(), "layout").unwrap();
        assert_eq!((params.as_slice(), params.len()), (before.as_slice(), 1));
        params.at("net").add("a", &array![5.0]).unwrap();
        assert_eq!((params.as_slice(), params.id("net.a").unwrap().index()), (&[1.0, 5.0][..], 1));
    }

    #[test]
    fn a_shape_that_does_not_fit_is_an_error() {
        let mut params = Params::<f64>::new();
        let id = params.root().add("w", &array![[1.0, 2.0]]).unwrap();
        let error = params.set(id, &array![1.0, 2.0]).unwrap_err().to_string();
        assert_eq!(error, "shape of \"w\" is [2]; expected (1, 2)");
    }
}
