module coffeeshop.local/stranger

go 1.26.5
