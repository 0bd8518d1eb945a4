//! CSV files, well-formed and not.

use proptest::prelude::*;
use wane_autodiff::{Error, ErrorKind, ndarray::array};
use wane_data::Dataset;

fn read(text: impl AsRef<[u8]>) -> Result<Dataset<f64>, Error> {
    Dataset::from_csv_reader(text.as_ref(), "y")
}

#[test]
fn well_formed_text_is_read() {
    for text in [
        "a,y,b\n1,2,3\n4,5,6\n",
        "a,y,b\r\n1,2,3\r\n4,5,6\r\n",
        "a,y,b\n1,2,3\n4,5,6",
        "\u{feff}a,y,b\n1,2,3\n4,5,6\n",
        "\n\na,y,b\n\n1,2,3\n\n4,5,6\n\n",
        " a , y,b \n 1, 2.0 ,\t3\n+4,5e0,60e-1\n",
        "\"a\",\"y\",\"b\"\n\"1\",\"2\",\"3\"\n4.,5,\" 6\"\n",
    ] {
        let data = read(text).unwrap();
        assert_eq!(data.x(), array![[1.0, 3.0], [4.0, 6.0]], "{text:?}");
        assert_eq!(data.y(), array![[2.0], [5.0]], "{text:?}");
        assert_eq!((data.feature_names(), data.target_names()), (&["a".into(), "b".into()][..], &["y".into()][..]));
    }
}

#[test]
fn numbers_are_exact() {
    let data = read("a,y\n0.1,1e-320\n1.7976931348623157e308,-0\n").unwrap();
    assert_eq!(data.x(), array![[0.1], [f64::MAX]]);
    assert_eq!(data.y()[[0, 0]], 1e-320);
    assert!(data.y()[[1, 0]].is_sign_negative());
    let data = Dataset::<f32>::from_csv_reader("a,y\n0.1,3.4028235e38\n".as_bytes(), "y").unwrap();
    assert_eq!((data.x()[[0, 0]], data.y()[[0, 0]]), (0.1, f32::MAX));
}

#[test]
fn faults_are_named() {
    let long = "9".repeat(400);
    let cases: Vec<(Vec<u8>, String)> = [
        ("", "CSV is empty; expected a header and at least one row"),
        (
            "\n \n",
            "name of column 1 is empty; expected a name (pandas leaves it out of an index: to_csv(…, index=False))",
        ),
        ("a,y\n", "number of rows below the header is 0; expected at least 1"),
        ("a,y", "number of rows below the header is 0; expected at least 1"),
        ("y\n1\n", "number of columns is 1; expected at least 2: the target and a feature"),
        ("a,b\n1,2\n", "target is \"y\"; expected one of the columns \"a\", \"b\""),
        ("a;y\n1;2\n", "target is \"y\"; expected one of the columns \"a;y\""),
        ("a,y,a\n1,2,3\n", "name of column 3 is \"a\"; expected a name of its own; column 1 has this one"),
        (
            ",a,y\n0,1,2\n",
            "name of column 1 is empty; expected a name (pandas leaves it out of an index: to_csv(…, index=False))",
        ),
        ("a,y\n1,2\n3\n", "number of cells in line 3 is 1; expected 2, one for each name in the header"),
        ("a,y\n1,2,3\n", "number of cells in line 2 is 3; expected 2, one for each name in the header"),
        ("a,y\n1,2\n,3\n", "line 3, column \"a\" is empty; expected a finite float64 number"),
        ("a,y\n1,  \n", "line 2, column \"y\" is empty; expected a finite float64 number"),
        ("a,y\n1,two\n", "line 2, column \"y\" is \"two\"; expected a finite float64 number"),
        ("a,y\n1,\"2,5\"\n", "line 2, column \"y\" is \"2,5\"; expected a finite float64 number"),
        (
            "a,y\n1,2\n\"1\"2,3\n",
            "line 3 is \"\\\"1\\\"2,3\"; expected cells without quotes, or each between two of them",
        ),
        ("a,y\nNaN,2\n", "line 2, column \"a\" is \"NaN\"; expected a finite float64 number"),
        ("a,y\n-inf,2\n", "line 2, column \"a\" is \"-inf\"; expected a finite float64 number"),
        ("a,y\n1e999,2\n", "line 2, column \"a\" is \"1e999\"; expected a finite float64 number"),
        ("a,y\n1,\"a\tb\nc\"\n", "line 2, column \"y\" is \"a\\tb\\nc\"; expected a finite float64 number"),
    ]
    .map(|(text, message)| (text.as_bytes().to_vec(), message.to_owned()))
    .into_iter()
    .chain([
        (b"a,\xff\n1,2\n".to_vec(), "name of column 2 is \"\u{fffd}\"; expected text in UTF-8".to_owned()),
        (
            b"a,y\n1,\xff2\n".to_vec(),
            "line 2, column \"y\" is \"\u{fffd}2\"; expected a finite float64 number".to_owned(),
        ),
        (
            format!("a,y\n1,{long}\n").into_bytes(),
            format!("line 2, column \"y\" is \"{}\"…; expected a finite float64 number", &long[..40]),
        ),
    ])
    .collect();
    for (text, message) in cases {
        let error = read(&text).unwrap_err();
        assert_eq!(error.to_string(), message, "{}", String::from_utf8_lossy(&text));
        assert_eq!(error.kind(), ErrorKind::Data);
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts() {
    for (text, line) in [
        ("a,y\n1,2\n\n\n3,x\n", 5),
        ("a,y\r\n1,2\r\n3,x\r\n", 3),
        ("a,y\r\n1,2\r\n\r\n3,x", 4),
        ("a,y\r1,2\r3,x\r", 3),
        ("\n\na,y\n3,x", 4),
        ("\u{feff}a,y\n1,2\n3,x\n", 3),
        ("\u{feff}a,y\r\n3,x\n", 2),
        ("\"a\n\",y\n\"\n1\",2\n3,x\n", 5),
        ("a,y\n1,x\n3,4\n", 2),
    ] {
        assert_eq!(read(text).unwrap_err().field(), format!("line {line}, column \"y\""), "{text:?}");
    }
}

#[test]
fn a_number_is_to_fit_its_type() {
    let error = Dataset::<f32>::from_csv_reader("a,y\n1e39,2\n".as_bytes(), "y").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column \"a\" is \"1e39\"; expected a finite float32 number");
}

#[test]
fn a_long_list_of_columns_is_cut() {
    let header: Vec<_> = (0..30).map(|column| format!("c{column}")).collect();
    let error = read(header.join(",")).unwrap_err();
    assert!(error.expected().ends_with("\"c18\", \"c19\", … (30 in all)"), "{error}");
}

#[test]
fn classes_are_read() {
    let read = |text: &str| Dataset::<f64>::classes_from_csv_reader(text.as_bytes(), "y");
    let data = read("y,a\n2, 0.5\n0,1\n 2 ,3\n").unwrap();
    assert_eq!((data.classes().labels(), data.classes().count()), (&[2, 0, 2][..], 3));
    assert_eq!((data.x(), data.target_names()), (array![[0.5], [1.0], [3.0]].view(), &["y".to_owned()][..]));
    for given in ["-1", "1.0", "cat", "4294967295", "99999999999999999999"] {
        let error = read(&format!("y,a\n0,1\n{given},1\n")).unwrap_err().to_string();
        assert_eq!(error, format!("line 3, column \"y\" is {given:?}; expected a class: an integer, 0 to 4294967294"));
    }
    // A column of times would make a model of a billion classes.
    let error = read("y,a\n0,1\n1700000000,1\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "largest class in column \"y\" is 1700000000; expected below 1000, for 2 rows: a class, not a number or a time"
    );
    let error = read("y,a\n,1\n").unwrap_err().to_string();
    assert_eq!(error, "line 2, column \"y\" is empty; expected a class: an integer, 0 to 4294967294");
}

#[test]
fn files_are_named_in_errors() {
    let directory = std::env::temp_dir().join(format!("wane-data-csv-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("data.csv");
    std::fs::write(&path, "a,y\n1,2\n3,0\n").unwrap();
    assert_eq!(Dataset::<f32>::from_csv(&path, "y").unwrap().len(), 2);
    assert_eq!(Dataset::<f32>::classes_from_csv(&path, "y").unwrap().classes().count(), 3);
    let error = Dataset::<f32>::from_csv(&path, "z").unwrap_err().to_string();
    assert_eq!(error, format!("{path:?}: target is \"z\"; expected one of the columns \"a\", \"y\""));
    std::fs::remove_dir_all(&directory).unwrap();

    let error = Dataset::<f32>::from_csv(&path, "y").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.field(), format!("{path:?}: CSV"));
    assert!(error.given().starts_with("unreadable ("), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

proptest! {
    #[test]
    fn any_bytes_are_data_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = Dataset::<f32>::classes_from_csv_reader(bytes.as_slice(), "y");
    }

    #[test]
    fn any_text_that_resembles_csv_is_data_or_an_error(text in "(a,)?y(,b)?[\r\n]{0,2}([0-9y,.\"\r\n \u{e9}-]|1e9|nan){0,60}") {
        for text in [text.clone(), format!("\u{feff}{text}")] {
            if let Ok(data) = read(&text) {
                prop_assert!(data.x().iter().chain(data.y()).all(|value| value.is_finite()));
            }
            let _ = Dataset::<f32>::classes_from_csv_reader(text.as_bytes(), "y");
        }
    }

    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec([prop::num::f64::NORMAL, prop::num::f64::SUBNORMAL], 1..20)) {
        let text: String = rows.iter().map(|[a, y]| format!("{a:?},{y:?}\n")).collect();
        let data = read(format!("a,y\n{text}")).unwrap();
        for (row, [a, y]) in rows.iter().enumerate() {
            prop_assert_eq!(data.x()[[row, 0]].to_bits(), a.to_bits());
            prop_assert_eq!(data.y()[[row, 0]].to_bits(), y.to_bits());
        }
    }
}
