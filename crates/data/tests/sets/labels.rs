//! Text: labels as classes, categories as features, in memory and in CSV files.

use proptest::prelude::*;
use std::collections::BTreeSet;
use wane_autodiff::ndarray::{Axis, array};
use wane_autodiff::{Classes, Error, ErrorKind};
use wane_data::{Csv, Dataset, LabelEncoder, one_hot};

fn message<V: std::fmt::Debug>(result: Result<V, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    error.to_string()
}

#[test]
fn label_faults_are_named() {
    let fit = |labels: &[&str]| message(LabelEncoder::fit(labels));
    assert_eq!(fit(&[]), "number of labels is 0; expected at least 1");
    assert_eq!(fit(&["a", ""]), "label of row 1 is empty; expected some text");
    let new = |names: &[&str]| message(LabelEncoder::new(names));
    assert_eq!(new(&[]), "number of labels is 0; expected at least 1");
    assert_eq!(new(&["a", ""]), "label is \"\"; expected a text that no other class has");
    assert_eq!(new(&["a", "b", "a"]), "label is \"a\"; expected a text that no other class has");
    let encoder = LabelEncoder::new(&["no", "maybe"]).unwrap();
    assert_eq!(encoder.transform(&["maybe", "no"]).unwrap().labels(), [1, 0]);
    let unknown = message(encoder.transform(&["no", "yes"]));
    assert_eq!(unknown, "label of row 1 is \"yes\"; expected one of \"no\", \"maybe\"");
    let beyond = message(encoder.inverse_transform(&Classes::new(&[1, 2], 3).unwrap()));
    assert_eq!(beyond, "class index of row 1 is 2; expected an index below 2");
    let many = LabelEncoder::fit(&Vec::from_iter((100..130).map(|i| i.to_string()))).unwrap();
    assert!(message(many.transform(&["x"])).ends_with("\"118\", \"119\", … (30 in all)"));
}

const FRUIT: &str = "color,size,kind\nred,1,plum\n blue ,2,plum\nred,8,apple\n";

#[test]
fn a_column_of_text_becomes_one_of_each_category_in_its_place() {
    for (text, csv) in [
        (FRUIT, Csv::labels("kind").one_hot("color")),
        (
            "\"color\",size,kind\n\"red\",1,\"plum\"\nblue,\"2\",plum\nred,8,apple\n",
            Csv::labels("kind").one_hot("color"),
        ),
        (FRUIT, Csv::labels_of("kind", &["apple", "plum"]).one_hot_of("color", &["blue", "red"])),
    ] {
        let data = csv.read_from::<f32>(text.as_bytes()).unwrap();
        assert_eq!(data.feature_names(), ["color=blue", "color=red", "size"]);
        assert_eq!(data.x(), array![[0.0, 1.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, 8.0]]);
        assert_eq!(
            (data.target_names(), data.class_names()),
            (&["kind".into()][..], &["apple".into(), "plum".into()][..])
        );
        assert_eq!(*data.classes(), Classes::new(&[1, 1, 0], 2).unwrap());
    }
    // Given categories keep their order, and those that no row has their column and their class.
    let csv = Csv::labels_of("kind", &["plum", "pear", "apple"]).one_hot_of("color", &["red", "green", "blue"]);
    let data = csv.read_from::<f64>(FRUIT.as_bytes()).unwrap();
    assert_eq!(data.feature_names(), ["color=red", "color=green", "color=blue", "size"]);
    assert_eq!(data.x().row(1), array![0.0, 0.0, 1.0, 2.0]);
    assert_eq!(*data.classes(), Classes::new(&[0, 0, 2], 3).unwrap());
    // Several, the last one last, before numbers that are targets.
    let csv = Csv::values("size").one_hot("kind").one_hot("color");
    let data = csv.read_from::<f64>(FRUIT.as_bytes()).unwrap();
    assert_eq!(data.feature_names(), ["color=blue", "color=red", "kind=apple", "kind=plum"]);
    assert_eq!((data.y(), data.class_names()), (array![[1.0], [2.0], [8.0]].view(), &[][..]));
    assert_eq!(data.x().row(0), array![0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn text_may_hold_commas_quotes_and_line_breaks() {
    let text = "y,kind\n1,\"a, b\"\n2,\"say \"\"no\"\"\"\r\n3,\"two\nlines\"\n4, plain words \n5,\"\"\"\" \n6,é\n";
    let data = Csv::labels("kind").read_from::<f64>(text.as_bytes()).unwrap();
    assert_eq!(data.class_names(), ["\"", "a, b", "plain words", "say \"no\"", "two\nlines", "é"]);
    assert_eq!(data.classes().labels(), [1, 3, 4, 2, 0, 5]);
}

#[test]
fn csv_faults_are_named() {
    let labels = || Csv::labels("kind");
    let wanted = "one of the columns \"color\", \"size\", \"kind\"";
    let quotes = "expected cells without quotes, or each between two of them";
    let cases: &[(Csv, &[u8], String)] = &[
        (
            labels(),
            FRUIT.as_bytes(),
            "line 2, column \"color\" is \"red\"; expected a finite float64 number".to_owned(),
        ),
        (labels().one_hot("colour"), FRUIT.as_bytes(), format!("column of text is \"colour\"; expected {wanted}")),
        (Csv::labels("sort"), FRUIT.as_bytes(), format!("target is \"sort\"; expected {wanted}")),
        (
            labels().one_hot("kind"),
            FRUIT.as_bytes(),
            "column of text is \"kind\", the target; expected a feature, once".to_owned(),
        ),
        (
            labels().one_hot("color").one_hot_of("color", &["red"]),
            FRUIT.as_bytes(),
            "column of text is \"color\", named twice; expected a feature, once".to_owned(),
        ),
        (
            labels().one_hot_of("color", &["red", "red"]),
            FRUIT.as_bytes(),
            "column \"color\": label is \"red\"; expected a text that no other class has".to_owned(),
        ),
        (
            labels().one_hot_of("color", &[""; 0]),
            FRUIT.as_bytes(),
            "column \"color\": number of labels is 0; expected at least 1".to_owned(),
        ),
        (
            labels().one_hot_of("color", &["red", "green"]),
            FRUIT.as_bytes(),
            "line 3, column \"color\" is \"blue\"; expected one of \"red\", \"green\"".to_owned(),
        ),
        (
            Csv::labels_of("kind", &["plum"]).one_hot("color"),
            FRUIT.as_bytes(),
            "line 4, column \"kind\" is \"apple\"; expected one of \"plum\"".to_owned(),
        ),
        (labels(), b"a,kind\n1,x\n2,\n", "line 3, column \"kind\" is empty; expected some text".to_owned()),
        (labels(), b"a,kind\n1,\"\"\n", "line 2, column \"kind\" is empty; expected some text".to_owned()),
        (
            Csv::labels_of("kind", &["x"]),
            b"a,kind\n1,\n",
            "line 2, column \"kind\" is empty; expected one of \"x\"".to_owned(),
        ),
        (labels(), b"a,kind\n1,x\xff\n", "line 2, column \"kind\" is \"x\u{fffd}\"; expected text in UTF-8".to_owned()),
        (labels(), b"a,kind\n1,\"x\"y\n", format!("line 2 is \"1,\\\"x\\\"y\"; {quotes}")),
        (labels(), b"a,kind\n1, \"x\"\n", format!("line 2 is \"1, \\\"x\\\"\"; {quotes}")),
        (labels(), b"a,kind\n1,x\n2,\"y\n", format!("line 3 is \"2,\\\"y\"; {quotes}")),
        (labels(), b"a,kind\n1,6\" pipe\n", format!("line 2 is \"1,6\\\" pipe\"; {quotes}")),
        (
            Csv::values("y").one_hot("a"),
            b"a,a=x,y\nx,1,2\n",
            "column name is \"a=x\"; expected a name that no other column or category has".to_owned(),
        ),
        (
            Csv::values("a=x").one_hot("a"),
            b"a,a=x\nx,1\n",
            "column name is \"a=x\"; expected a name that no other column or category has".to_owned(),
        ),
    ];
    for (csv, text, expected) in cases {
        assert_eq!(message(csv.read_from::<f64>(*text)), *expected, "{csv:?} {}", String::from_utf8_lossy(text));
    }
}

/// A column of names would make a column of each; labels and given categories may be as many as there are.
#[test]
fn a_column_of_names_is_no_category() {
    let text = String::from_iter((0..1001).map(|row| format!("n{row},{row}\n")));
    let text = format!("name,y\n{text}");
    let error = message(Csv::values("y").one_hot("name").read_from::<f64>(text.as_bytes()));
    assert_eq!(
        error,
        "number of categories in column \"name\" is 1001; expected at most 1000, or categories that are given"
    );
    assert_eq!(Csv::labels("name").read_from::<f64>(text.as_bytes()).unwrap().class_names().len(), 1001);
    let known = Vec::from_iter((0..1001).map(|row| format!("n{row}")));
    let data = Csv::values("y").one_hot_of("name", &known).read_from::<f64>(text.as_bytes()).unwrap();
    assert_eq!(data.x().diag().sum(), 1001.0);
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c\u{e9}\u{1f980}\", \n]{1,3}", 1..30)
}

/// Texts that are more than the blanks that are trimmed.
fn written() -> impl Strategy<Value = Vec<String>> {
    let text = "[a-c\u{e9}\u{1f980}\", \n]{1,3}".prop_filter("more than blanks", |text| !text.trim().is_empty());
    prop::collection::vec(text, 1..30)
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(labels in texts()) {
        let encoder = LabelEncoder::fit(&labels).unwrap();
        let classes = encoder.transform(&labels).unwrap();
        prop_assert_eq!(encoder.inverse_transform(&classes).unwrap(), labels.clone());
        prop_assert_eq!(encoder.names(), Vec::from_iter(labels.into_iter().collect::<BTreeSet<_>>()));
    }

    #[test]
    fn one_hot_rows_sum_to_1_where_the_class_is(labels in prop::collection::vec(0..6_usize, 0..30)) {
        let hot = one_hot::<f32>(&Classes::new(&labels, 6).unwrap());
        prop_assert_eq!(hot.dim(), (labels.len(), 6));
        for (row, label) in hot.rows().into_iter().zip(labels) {
            prop_assert_eq!((row.sum(), row[label]), (1.0, 1.0));
        }
    }

    /// What is quoted as RFC 4180 says comes back, as labels and as features alike.
    #[test]
    fn text_that_is_written_is_read(labels in written()) {
        let trimmed = Vec::from_iter(labels.iter().map(|label| label.trim()));
        let rows = labels.iter().map(|label| format!("\"{}\",1\n", label.replace('"', "\"\"")));
        let text = format!("kind,y\n{}", String::from_iter(rows));
        let encoder = LabelEncoder::fit(&trimmed).unwrap();
        let classes = encoder.transform(&trimmed).unwrap();

        let data = Csv::labels("kind").read_from::<f64>(text.as_bytes()).unwrap();
        prop_assert_eq!((data.class_names(), data.classes()), (encoder.names(), &classes));
        let data = Csv::values("y").one_hot("kind").read_from::<f64>(text.as_bytes()).unwrap();
        prop_assert_eq!(data.x(), one_hot::<f64>(&classes));
        prop_assert_eq!(data.feature_names(), Vec::from_iter(encoder.names().iter().map(|name| format!("kind={name}"))));
    }

    #[test]
    fn any_text_that_resembles_csv_is_data_or_an_error(text in "(a,)?y(,b)?[\r\n]{0,2}([0-9y,.\"\r\n \u{e9}-]|1e9){0,60}") {
        for csv in [Csv::labels("y"), Csv::labels("y").one_hot("a"), Csv::values("y").one_hot("b").one_hot_of("a", &["1"])] {
            if let Ok(data) = csv.read_from::<f64>(text.as_bytes()) {
                let hot = data.feature_names().iter().enumerate().filter(|(_, name)| name.starts_with("b="));
                let columns = Vec::from_iter(hot.map(|(column, _)| column));
                let sums = data.x().select(Axis(1), &columns).sum_axis(Axis(1));
                prop_assert!(columns.is_empty() || sums.iter().all(|&sum| sum == 1.0));
                let _: &Dataset<f64> = &data;
            }
        }
    }
}
