//! The graph executed by dfdx tensors and differentiated by dfdx's tape.
