"""The path of a job that costs money: admitted, worked on, settled, told of."""
