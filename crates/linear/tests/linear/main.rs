//! Solutions, paths and groups by their laws and scikit-learn's values, and what is refused.

mod common;
mod groups;
mod minibatches;
mod paths;
mod refusals;
mod ridges;
mod solutions;
