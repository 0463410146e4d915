from django.urls import path

from letters import views

urlpatterns = [
    path("fax/incoming/", views.incoming, name="fax-incoming"),
    path("fax/received/", views.received, name="fax-received"),
    path("fax/status/", views.status, name="fax-status"),
]
