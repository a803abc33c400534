pub mod iam_role;
