"""What happens to a case after its dispatch; the table of its steps is `triage.casework.cases.STEPS`.

One module per matter: ``handling`` (接单、办理、办结、转送、重新办理), ``objections`` (职责异议), ``extensions`` (延期),
``assisting`` (协办、吹哨报到、联动), ``supervising`` (催办、督办), ``answering`` (回访、评价), ``supplements`` (补充),
``satisfaction`` (响应率、解决率、满意率) and ``timeline`` (all of it, readable). Dispatching, reassigning and returning are
in `triage.casework.review`.
"""
