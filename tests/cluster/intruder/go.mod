module coffeeshop.local/intruder

go 1.26.5
