"""Numbers of a report as people read them."""

from django import template

from annotations.documents import numbers

register = template.Library()
for formatter in (numbers.boundary, numbers.figure, numbers.percent):
    register.filter(formatter.__name__, formatter)
