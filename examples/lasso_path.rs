//! The lasso of data/diabetes.csv from the λ that makes every weight zero to a thousandth of it: which features enter, in
//! which order, and how far from its optimum each solution can be.
//!
//! As in scikit-learn's `lasso_path` on scaled columns: 1/(2n) ‖y − Xw − b‖² + λ‖w‖₁ at 100 λ.

use wane::linear::{PathOptions, path};
use wane::ndarray::Axis;
use wane::prelude::*;
use wane::train::plot_path;

/// What scikit-learn finds.
const ORDER: [&str; 10] = ["bmi", "s5", "bp", "s3", "sex", "s6", "s1", "s4", "s2", "age"];

fn main() -> Result<(), Error> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let data = Dataset::<f64>::from_csv(file, "progression")?;
    let data = data.scale_x(&StandardScaler::fit(data.x())?)?;
    let (x, y) = (data.x(), data.y().index_axis_move(Axis(1), 0));
    let path = path(x, y, &PathOptions { l1_ratio: 1.0, ..Default::default() })?;

    println!("λ goes from {:.6}, where every weight is zero, down to a thousandth of it.\n", path.alphas[0]);
    println!("       λ   features   duality gap   largest violation   the zeros are proven");
    for (lambda, fit) in path.alphas.iter().zip(&path.fits).step_by(11) {
        let (features, certificate) = (fit.support().len(), fit.certificate);
        let is_proven = if certificate.support_is_certain { "yes" } else { "no" };
        let (gap, violation) = (certificate.gap, certificate.kkt_violation);
        println!("{lambda:>8.4} {features:>10} {gap:>13.0e} {violation:>19.0e} {is_proven:>22}");
    }
    let largest = path.fits.iter().map(|fit| fit.certificate.gap).fold(0.0, f64::max);
    let proven = path.fits.iter().filter(|fit| fit.certificate.support_is_certain).count();
    println!(
        "\nThe largest gap of all {} is {largest:.0e}, where the variance of y is {:.0}.",
        path.fits.len(),
        y.var(0.0)
    );
    println!("Which weights are zero is proven of {proven}.");

    let order = Vec::from_iter(path.order_of_entry().into_iter().map(|column| data.feature_names()[column].as_str()));
    println!("\nThe features enter in this order: {}.", order.join(", "));
    assert_eq!(order, ORDER);

    let chart = std::env::temp_dir().join("lasso_path.svg");
    plot_path(&path.alphas, path.weights().view(), data.feature_names(), &chart)?;
    println!("The path of the weights: {}", chart.display());
    Ok(())
}
