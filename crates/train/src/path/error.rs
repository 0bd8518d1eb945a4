use super::{PathPoint, TrainedPath};
use std::error::Error as StdError;
use std::fmt;
use wane_autodiff::Error;

/// Why a path ended before its last λ, and the points that it had come to by then. Where an [`Error`] is wanted,
/// `.map_err(PathError::into_error)?`.
#[derive(Debug)]
pub struct PathError<T> {
    error: Error,
    path: Box<TrainedPath<T>>,
}

impl<T> PathError<T> {
    pub(crate) fn new(error: Error, path: TrainedPath<T>) -> Self {
        Self { error, path: Box::new(path) }
    }

    /// What was wrong, with the λ at which it arose.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// What was wrong; the points are dropped.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// The points of the λ before it, in the order of training.
    pub fn points(&self) -> &[PathPoint<T>] {
        &self.path.points
    }

    /// The path up to there; `None` if it has no point.
    pub fn into_path(self) -> Option<TrainedPath<T>> {
        Some(*self.path).filter(|path| !path.points.is_empty())
    }
}

impl<T> fmt::Display for PathError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: fmt::Debug> StdError for PathError<T> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
