//! Cross-validation: its folds and numbers beside scikit-learn's, what it tells of failures, and what it refuses.

mod reference;
mod results;
mod running;

use wane_autodiff::Error;

fn text<T>(result: Result<T, Error>) -> String {
    result.map(|_| "accepted").unwrap_err().to_string()
}
