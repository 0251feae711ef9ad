"""How a lot's measurements are judged: limits, gauge study, capability, mould, control charts."""
