"""HTTP: one router per subject; routers translate, the subjects decide."""
