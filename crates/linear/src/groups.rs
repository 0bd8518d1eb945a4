use wane_autodiff::{Error, number};

/// Disjoint sets of columns whose weights are zero together, and how much each set's norm counts.
///
/// ```
/// use wane_linear::Groups;
///
/// let groups = Groups::new(3, vec![vec![0, 2], vec![1]])?;
/// assert_eq!(groups.weights(), [2.0_f64.sqrt(), 1.0]);
/// let error = Groups::new(3, vec![vec![0, 2], vec![2]]).unwrap_err();
/// assert_eq!(error.to_string(), "column 2 is in groups 0 and 1; expected one group for each column");
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    columns: usize,
    members: Vec<Vec<usize>>,
    weights: Vec<f64>,
}

impl Groups {
    /// Each of so many columns a group of its own, with weight 1: of several outputs, a column's weights to all of them are
    /// zero together.
    pub fn each(columns: usize) -> Self {
        Self { columns, members: (0..columns).map(|column| vec![column]).collect(), weights: vec![1.0; columns] }
    }

    /// Sets of columns, which hold each of 0..columns once. A group of |g| columns has weight √|g| (Yuan and Lin, *Model
    /// selection and estimation in regression with grouped variables*, 2006), however many outputs there are.
    ///
    /// # Errors
    /// A group without a column; a column in two groups, or in none; a column that is not below `columns`.
    pub fn new(columns: usize, members: Vec<Vec<usize>>) -> Result<Self, Error> {
        const ONE: &str = "one group for each column";
        let mut group_of = vec![None; columns];
        for (group, of_group) in members.iter().enumerate() {
            if of_group.is_empty() {
                return Err(Error::option(format!("group {group}"), "empty", "at least one column"));
            }
            for &column in of_group {
                let Some(known) = group_of.get_mut(column) else {
                    let expected = format!("below {columns}, the number of columns");
                    return Err(Error::option(format!("a column of group {group}"), column, expected));
                };
                if let Some(other) = known.replace(group) {
                    let given = if other == group {
                        format!("in group {group} twice")
                    } else {
                        format!("in groups {other} and {group}")
                    };
                    return Err(Error::option(format!("column {column}"), given, ONE));
                }
            }
        }
        if let Some(column) = group_of.iter().position(Option::is_none) {
            return Err(Error::option(format!("column {column}"), "in no group", ONE));
        }
        let weights = members.iter().map(|of_group| (of_group.len() as f64).sqrt()).collect();
        Ok(Self { columns, members, weights })
    }

    /// Other weights, one a group.
    ///
    /// # Errors
    /// Another number of weights than of groups; a weight that is not finite and above 0.
    pub fn weighted(self, weights: Vec<f64>) -> Result<Self, Error> {
        let groups = self.members.len();
        if weights.len() != groups {
            return Err(Error::option("number of weights", weights.len(), format!("{groups}, one a group")));
        }
        if let Some((group, &weight)) = weights.iter().enumerate().find(|(_, v)| !(v.is_finite() && **v > 0.0)) {
            return Err(Error::option(format!("weight of group {group}"), number(weight), "a finite number above 0"));
        }
        Ok(Self { weights, ..self })
    }

    /// The columns of each group.
    pub fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    /// The weight of each group.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub(crate) fn check(&self, columns: usize) -> Result<(), Error> {
        if self.columns == columns {
            return Ok(());
        }
        Err(Error::option("number of columns in groups", self.columns, format!("{columns}, as in x")))
    }
}
