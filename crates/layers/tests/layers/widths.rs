//! Widths that no weight tells.

use crate::common::panic_of;
use wane_autodiff::ndarray::array;
use wane_autodiff::{Float, Params, Tape, Var};
use wane_layers::{Description, LayerNorm, LayerNormOptions, Module, Residual, RmsNorm, RmsNormOptions};

/// Without a weight it is the layer that knows its width; and a residual block's sum does not broadcast.
#[test]
fn widths_that_no_weight_tells_are_checked() {
    #[derive(Debug)]
    struct Mean;
    impl<T: Float> Module<T> for Mean {
        fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
            x.mean_axis_keepdim(1)
        }
        fn describe(&self) -> Description {
            Description { kind: "Mean".to_owned(), widths: None, parameters: Vec::new() }
        }
    }
    let mut params = Params::<f64>::new();
    let layer = LayerNormOptions { elementwise_affine: false, ..Default::default() };
    let layer = LayerNorm::new(params.at("a"), 3, layer).unwrap();
    let rms = RmsNormOptions { elementwise_affine: false, ..Default::default() };
    let rms = RmsNorm::new(params.at("b"), 3, rms).unwrap();
    let mut tape = Tape::new();
    let x = tape.record(&params).input(&array![[1.0, 2.0]]);
    for (said, message) in [
        (panic_of(|| layer.forward(x)), "layer_norm: input is (1, 2), wanted (…, 3) (at "),
        (panic_of(|| rms.forward(x)), "rms_norm: input is (1, 2), wanted (…, 3) (at "),
        (
            panic_of(|| Residual::new(Mean).unwrap().forward(x)),
            "residual: input is (1, 2), what is added to it (1, 1) (at ",
        ),
    ] {
        assert!(said.starts_with(message), "{said}");
    }
}
